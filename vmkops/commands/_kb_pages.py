"""What `vmkops kb` does with pages of your own: checks a folder, prints a template, imports Markdown; and shows one."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from service.api.settings_source import read_setting
from service.api.words import counted
from vmkops.commands._lookup import FOUND, NOT_FOUND, WRONG_USAGE, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from knowledge.procedure_store.procedure import Procedure
    from knowledge.procedure_store.search import Hit

MOST_SKIPPED = 20
"""How many files and folders that an import left out are named."""


SUBCOMMANDS = ("show", "list", "check", "template", "import")


def subcommand_meant(words: str, hits: Sequence[Hit], slugs: Callable[[], Iterable[str]]) -> str:
    """The command that words of a search were probably meant to be, such as `vmkops kb show NAME`; or empty.

    The first word must be a misspelt subcommand, and what follows must fit it: a word of its own right is searched for.
    `hits` are what the search found; `slugs` gives the names of all pages.
    """
    from knowledge.spelling import nearest_name

    first, *rest = words.split()
    near = nearest_name(first, SUBCOMMANDS)
    if not near or near == first or len(rest) > 1:
        return ""
    if near == "show" and rest:
        slug = nearest_name(rest[0].removesuffix(".md"), slugs())
        return f"vmkops kb show {slug}" if slug else ""
    if near in ("check", "import") and rest:
        return f"vmkops kb {near} {rest[0]}" if Path(rest[0]).exists() else ""
    fits = near in ("list", "check", "template") and all(hit.weak for hit in hits)
    return " ".join(["vmkops kb", near, *rest]) if fits else ""


def team_folder() -> Path | None:
    """The folder that VMKOPS_PROCEDURES_DIR names, or None."""
    folder = read_setting("VMKOPS_PROCEDURES_DIR")
    return Path(folder) if folder else None


def check(folder: Path | None, *, as_json: bool) -> int:
    """Print what is wrong in the pages of a folder, of the team's or of the built-in one; 1 when there is something."""
    from knowledge.procedure_store.check import check_folder
    from knowledge.procedure_store.folders import BUILT_IN, built_in_pages

    folder = folder or team_folder() or BUILT_IN
    try:
        pages, broken = check_folder(folder, elsewhere=built_in_pages())
    except OSError as error:
        print(f"vmkops kb: {folder} cannot be listed: {error.strerror}. Name a folder of pages.", file=sys.stderr)
        return WRONG_USAGE
    if as_json:
        print_json({"folder": str(folder), "pages": pages, "broken": [asdict(one) for one in broken]})
    else:
        print(*broken, f"{folder}: {counted(pages, 'page')}, {counted(len(broken), 'problem')}", sep="\n")
    return NOT_FOUND if broken else FOUND


def print_template(kind: str | None, *, as_json: bool) -> int:
    """Print the template of a page of this kind; without a kind, list the kinds."""
    from knowledge.procedure_store.templates import KINDS, template

    if kind is None:
        if as_json:
            print_json({"kinds": dict(KINDS)})
        else:
            print(*(f"{name:<12} {what}" for name, what in KINDS.items()), sep="\n")
        return FOUND
    if kind not in KINDS:
        print(f"vmkops kb: there is no template {kind[:40]!a}; the kinds are {', '.join(KINDS)}", file=sys.stderr)
        return WRONG_USAGE
    if as_json:
        print_json({"kind": kind, "text": template(kind)})
    else:
        print(template(kind), end="")
    return FOUND


def import_pages(source: Path, into: Path | None, *, as_json: bool) -> int:
    """Write Markdown runbooks as pages into a folder; 1 when one of them cannot be imported."""
    from knowledge.procedure_import.folder import import_markdown

    into = into or team_folder()
    if into is None:
        print("vmkops kb: name the folder for the pages with --into, or set VMKOPS_PROCEDURES_DIR", file=sys.stderr)
        return WRONG_USAGE
    try:
        done = import_markdown(source, into)
    except OSError as error:
        print(f"vmkops kb: {error.filename or source}: {error.strerror or error}", file=sys.stderr)
        return WRONG_USAGE
    if as_json:
        print_json(
            {
                name: [asdict(one) for one in found]
                for name, found in (("imported", done.imported), ("failed", done.failed), ("skipped", done.skipped))
            }
        )
        return NOT_FOUND if done.failed or not done.imported else FOUND
    for page in done.imported:
        print(f"{page.page}  from {page.source}", *(f"    {note}" for note in page.notes), sep="\n")
    for skipped in done.skipped[:MOST_SKIPPED]:
        print(f"{skipped.source}: left out, because {skipped.reason}", file=sys.stderr)
    if (more := len(done.skipped) - MOST_SKIPPED) > 0:
        print(f"and {more} more left out", file=sys.stderr)
    for problem in done.failed:
        print(problem, file=sys.stderr)
    counts = f"{counted(len(done.imported), 'page')} imported, {counted(len(done.failed), 'problem')}"
    print(counts, file=sys.stderr if done.failed else sys.stdout)
    return NOT_FOUND if done.failed or not done.imported else FOUND


def as_text(page: Procedure, targets: Mapping[str, str]) -> str:
    """The page as text: its facts, then its Markdown with readable boxes, and the targets in its commands."""
    from knowledge.procedure_store.boxes import readable_boxes
    from knowledge.procedure_store.entry_points import entry_points_of
    from knowledge.procedure_store.live_blocks import filled_body
    from knowledge.procedure_store.placeholders import in_capitals, targets_in

    body = filled_body(page.body, targets, lambda _: "")
    facts = [page.title, "=" * len(page.title), "", page.summary, ""]
    if page.obsolete_since:
        facts.append(f"OBSOLETE since {page.obsolete_since}: {page.obsolete_reason}")
    facts.append(f"Applies to: {', '.join(page.applies_to)}")
    facts += [f"Source: {source}" for source in page.source]
    if page.overrides:
        facts.append(f"The team's own page, shown instead of the built-in one: {page.file}")
    if left := targets_in(body):
        words, options = " and ".join(map(str.upper, left)), " ".join(f"--{name} NAME" for name in left)
        facts.append(f"In the commands, replace {words}, or fill in: vmkops kb show {page.slug} {options}")
    ways = [f"- {each.what}: {', '.join(filter(None, (each.command, each.slack)))}" for each in entry_points_of(page)]
    with_vmkops = ["## With vmkops", "", *ways, ""] if ways else []
    return "\n".join([*facts, "", in_capitals(readable_boxes(body)), *with_vmkops])
