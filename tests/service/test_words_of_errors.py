"""What an error says is read in Slack and in the shell too: it names things, and no HTTP calls or headers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from service import errors

ROOT = Path(__file__).parents[2]
OF_HTTP = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) /|\bAuthorization\b|\bBearer\b|\bX-On-Behalf-Of\b|\bETag\b")


@pytest.mark.parametrize("room", ["service", "bot", "vmkops"])
def test_no_error_is_told_in_the_words_of_http(room: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}:{text.lineno}: {text.value}"
        for file in sorted((ROOT / room).rglob("*.py"))
        for raised in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(raised, ast.Raise)
        for text in ast.walk(raised)
        if isinstance(text, ast.Constant) and isinstance(text.value, str) and OF_HTTP.search(text.value)
    ]
    assert found == []


def test_no_default_of_an_error_is_in_the_words_of_http() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.VmkopsError)]
    assert [each.__name__ for each in kinds if OF_HTTP.search(each.__doc__ or "")] == []
