"""Checks a folder of pages more strictly than what a page must meet to be shown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Container, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from knowledge.procedure_store.dangers import unannounced_commands
from knowledge.procedure_store.entry_points import entry_points
from knowledge.procedure_store.folders import find_pages, read_page
from knowledge.procedure_store.front_matter import Fault, read_front_matter
from knowledge.procedure_store.links import dead_links
from knowledge.procedure_store.live_blocks import live_commands
from knowledge.procedure_store.placeholders import TARGETS
from knowledge.procedure_store.procedure import Broken, BrokenPageError, Procedure
from knowledge.procedure_store.query import name_key
from knowledge.procedure_store.templates import template_lines

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w-]*)\}")


def check_folder(folder: Path, *, elsewhere: Iterable[Procedure] = ()) -> tuple[int, list[Broken]]:
    """Return the number of pages in ``folder`` and everything wrong with them, by file and line.

    In addition to what keeps a page from being shown, these are wrong: links that lead nowhere, destructive commands
    without a box, names that two pages have, live blocks with unknown commands or placeholders, and words of a template
    that are still there. ``elsewhere`` has the pages of other folders; a page in ``folder`` replaces the one of the
    same slug. Raises OSError when the folder cannot be listed.
    """
    pages: list[Procedure] = []
    broken: list[Broken] = []
    everything = find_pages(folder)
    for found in everything:
        try:
            pages.append(read_page(found))
        except BrokenPageError as error:
            broken += error.problems
    own = {found.slug for found in everything}
    others = [page for page in elsewhere if page.slug not in own]
    names = owners([*others, *pages])
    slugs = own | {page.slug for page in others}
    for page in pages:
        faults = every_fault(page, names, slugs)
        broken += (Broken(file=page.file, line=line, message=message) for line, message in faults)
    return len(everything), sorted(broken, key=lambda one: (one.file, one.line))


def owners(pages: Iterable[Procedure]) -> dict[str, list[str]]:
    """Return, by the key of each name (slug, title or alias), the slugs of the pages that have it."""
    found: dict[str, list[str]] = {}
    for page in pages:
        for key in dict.fromkeys(map(name_key, (page.slug, page.title, *page.aliases))):
            found.setdefault(key, []).append(page.slug)
    return found


def every_fault(page: Procedure, names: Mapping[str, list[str]], slugs: Container[str]) -> list[Fault]:
    """Return what is wrong with a page that can be shown, also words of a template; see `page_faults`."""
    return [*page_faults(page, names, slugs), *_template_faults(page)]


def page_faults(page: Procedure, names: Mapping[str, list[str]], slugs: Container[str]) -> Iterator[Fault]:
    """Yield what is wrong with a page that can be shown.

    ``names`` are the `owners` of all pages, this one too, and ``slugs`` those of the pages that can be linked to.
    """
    lines = page.text.split("\n")
    head = read_front_matter(lines).length
    yield from unannounced_commands(lines, head)
    yield from (Fault(line, message) for line, message in dead_links(lines, slugs))
    yield from _name_faults(page, lines[:head], names)
    first = next((number for number, line in enumerate(lines[head:], head) if line.strip("\n")), head)
    for command in live_commands(page.body):
        if message := _live_fault(command.text):
            yield Fault(first + command.line, message)


def _template_faults(page: Procedure) -> Iterator[Fault]:
    for line in template_lines(page.text.split("\n")):
        yield Fault(line, "the words of the template are still here: write what they ask for, or remove the line")


def _name_faults(page: Procedure, head: list[str], names: Mapping[str, list[str]]) -> Iterator[Fault]:
    seen: set[str] = set()
    for alias in page.aliases:
        same = " ".join(alias.casefold().split())
        if same in seen:
            yield Fault(_line_of(alias, head, last=True), f"the alias '{alias}' is here twice: remove one")
        seen.add(same)
    for name in dict.fromkeys((page.title, *page.aliases)):
        if other := next((slug for slug in names.get(name_key(name), ()) if slug != page.slug), None):
            yield Fault(
                _line_of(name, head),
                f"'{name}' is also a name of the page {other}, so that it leads to only one of them: "
                "remove it from one page",
            )


def _line_of(text: str, head: list[str], *, last: bool = False) -> int:
    """The line of the front matter, from 1, that has this value: the first one or the last one."""
    found = [number for number, line in enumerate(head, start=1) if text in line]
    return found[-1 if last else 0] if found else 1


def _live_fault(command: str) -> str:
    unknown = next((name for name in _PLACEHOLDER.findall(command) if name not in TARGETS), None)
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in TARGETS)
        return f"a live block knows no {{{unknown}}}: use {known}, or write a word in capitals in a block of ```sh"
    try:
        words = shlex.split(command)
    except ValueError:
        return "the quotes of this command do not match"
    if words[:1] != ["vmkops"]:
        return "a live block has only commands of vmkops: put this line into a block of ```sh"
    commands, actions = _known()
    if len(words) < 2 or words[1] not in commands:
        return f"there is no command {' '.join(words[:2])}{_hint('vmkops ', words[1:2], commands)}"
    if words[1] == "action" and words[2:3] and words[2] not in actions:
        return f"there is no action {words[2]}{_hint('', words[2:3], actions)}"
    return ""


def _hint(before: str, words: list[str], known: frozenset[str]) -> str:
    near = get_close_matches(words[0], known, n=1) if words else []
    return f"; did you mean {before}{near[0]}?" if near else "; `vmkops --help` lists the commands"


@cache
def _known() -> tuple[frozenset[str], frozenset[str]]:
    """The commands of the shell and the host actions."""
    commands = {each.command.split()[1] for each in entry_points() if each.command}
    return frozenset(commands), frozenset(each.action for each in entry_points() if each.action)
