"""`vmkops decode --html PAGE`: the page of a log as one file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from knowledge.vmklog.stream import Decoded


def take_page(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the value of --html (empty when it is missing, None without --html) and the other words."""
    words = list(argv)
    for at, word in enumerate(words):
        if word == "--":
            break
        if word == "--html":
            return (words[at + 1] if at + 1 < len(words) else ""), words[:at] + words[at + 2 :]
        if word.startswith("--html="):
            return word.removeprefix("--html="), words[:at] + words[at + 1 :]
    return None, words


def page_mistake(page: str, files: Sequence[str], switches: set[str]) -> str:
    """Return what is wrong with a call that writes a page; empty when nothing is."""
    if not page or (page.startswith("-") and page != "-"):
        return "--html needs the file to write, such as page.html"
    if others := switches & {"--json", "--summary", "--all"}:
        return f"give --html or {min(others)}, not both"
    if page != "-" and any(_is_same(page, file) for file in files):
        return "the page would overwrite the log; give --html another file"
    return ""


def write_page(page: str, blocks: Iterable[list[Decoded]], name: str) -> bool:
    """Read all blocks and write their page; return whether they have any finding. Raises OSError."""
    from service.web.log_page import LogPage  # loads Jinja, which the other forms of the command do without

    log_page = LogPage("" if name == "-" else Path(name).name)
    found = False
    for lines in blocks:
        log_page.add(lines)
        found = found or any(line.findings for line in lines)
    html = log_page.html(served=False)
    if page == "-":
        sys.stdout.write(html)
    else:
        Path(page).write_text(html, "utf-8")
        print(f"wrote {page}", file=sys.stderr)
    return found


def _is_same(page: str, file: str) -> bool:
    try:
        return os.path.samefile(page, file)  # noqa: PTH121
    except OSError:
        return False
