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


@pytest.mark.parametrize("room", ["actions", "backups", "transfer", "vsphere"])
def test_sizes_and_states_are_told_as_everywhere(room: str) -> None:
    """In decimal units, as `amount` has them; and a state in words, not as vSphere spells it."""
    found = [
        f"{file.relative_to(ROOT)}:{text.lineno}: {ast.unparse(text)}"
        for file in sorted((ROOT / "service" / room).rglob("*.py"))
        for text in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(text, ast.JoinedStr)
        for part in text.values
        if (isinstance(part, ast.Constant) and re.search(r"\b[MG]iB (?:free|are|of|stay|is|and)\b", str(part.value)))
        or (
            isinstance(part, ast.FormattedValue)
            and isinstance(part.value, ast.Attribute)
            and part.value.attr in {"power_state", "connection_state"}
        )
    ]
    assert found == []
