"""The commands of the built-in pages are ones that their tools accept, as far as the tools can be had here."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib import import_module
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt

from knowledge.procedure_store.folders import BUILT_IN, find_pages, read_page
from service.actions import all_actions
from vmkops.commands import names

PAGES = {found.slug: read_page(found) for found in find_pages(BUILT_IN)}
SHELLS = {"sh", "bash", "vmkops"}


class Command(NamedTuple):
    """A command of a page."""

    slug: str
    text: str


def code_blocks() -> Iterator[tuple[str, str, str]]:
    """The slug, the language and the text of each code block."""
    for slug, page in PAGES.items():
        for token in MarkdownIt("commonmark").parse(page.body):
            if token.type == "fence":
                yield slug, token.info.strip(), token.content


def vmkops_commands() -> list[Command]:
    """Each command of vmkops in the code of a page, in a block or in a sentence."""
    found = []
    for slug, page in PAGES.items():
        for token in MarkdownIt("commonmark").parse(page.body):
            pieces = [token.content] if token.type == "fence" else []
            pieces += [child.content for child in token.children or () if child.type == "code_inline"]
            for line in "\n".join(pieces).replace("\\\n", " ").splitlines():
                found += [Command(slug, command[1]) for command in re.finditer(r"(?:^|[|;] *)(vmkops [^|;<>&]+)", line)]
    return found


def words_of(text: str) -> list[str]:
    return [word for word in shlex.split(text, comments=True) if word != "..."][1:]


@pytest.mark.parametrize("command", sorted(set(vmkops_commands())), ids=lambda each: f"{each.slug}: {each.text[:60]}")
def test_command_of_vmkops_is_one_that_it_accepts(command: Command) -> None:
    name, *rest = words_of(command.text)
    assert name in names()
    if name != "kb" or rest[:1] in [["show"], ["list"], ["check"], ["template"], ["import"]]:  # or words to look for
        complaint = complaint_about(import_module(f"vmkops.commands.{name}").parser(), rest)
        assert not complaint or "required" in complaint  # a sentence may name the command alone
    if name == "action" and rest and not rest[0].isupper():
        action = all_actions()[rest[0]]
        given = {word.partition("=")[0] for word in rest[1:] if re.match(r"[a-z_]+=", word)}
        assert given <= action.params.model_fields.keys()


def complaint_about(parser: ArgumentParser, words: list[str]) -> str:
    """What the parser prints about words that it does not accept; empty when it does."""
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(io.StringIO()):
        try:
            parser.parse_args(words)
        except SystemExit as stop:
            return printed.getvalue() if stop.code else ""
    return ""


@pytest.mark.parametrize(
    "block", [block for block in code_blocks() if block[1] in SHELLS], ids=lambda block: f"{block[0]}: {block[2][:40]}"
)
def test_block_of_a_shell_has_its_syntax(block: tuple[str, str, str]) -> None:
    done = subprocess.run(["bash", "-n"], input=block[2], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
