"""Imports a Markdown runbook, or a folder of them, into a folder of pages; nothing that is there is overwritten."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from knowledge.procedure_import.page import Target, imported_page
from knowledge.procedure_store.check import owners
from knowledge.procedure_store.folders import built_in_pages, find_pages, read_page, write_page
from knowledge.procedure_store.procedure import MAX_BYTES, Broken, BrokenPageError, Procedure
from knowledge.procedure_store.query import name_key

MOST_FILES = 10_000
LONGEST_SLUG = 70

_ENDINGS = (".md", ".markdown")
_GENERAL = ("readme", "index", "runbook")
"""Names that say nothing about the subject: the folder's name does."""
_A_LINK = "it is a symbolic link: import what it leads to by its own path"


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """A runbook that is a page now."""

    source: str
    page: str
    """The file of the page."""
    slug: str
    notes: tuple[str, ...]
    """What a person has to look at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A file or a folder that was left out, and why."""

    source: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What became of the runbooks; the problems have the file and the line of the runbook."""

    imported: tuple[Imported, ...]
    failed: tuple[Broken, ...]
    skipped: tuple[Skipped, ...] = ()


def import_markdown(source: Path, into: Path) -> Done:
    """Write a runbook, or every runbook below a folder, as pages into the folder ``into``, which is made if needed.

    Symbolic links and what is not a regular file are left out and named; hidden files are left out. A page that has the
    slug of one that comes with vmkops gets another name, because it would replace that one. Raises OSError when a
    folder cannot be read or written, and for a folder with more than MOST_FILES runbooks.
    """
    files, skipped = ([source], list[Skipped]()) if source.is_file() else _below(source)
    into.mkdir(parents=True, exist_ok=True)
    built_in = built_in_pages()
    known = [*built_in, *_pages_in(into)]
    slugs = _slugs(files, {page.slug for page in built_in})
    failed: list[Broken] = []
    for file, problems in [(file, found) for file, found in _made(slugs, into, known) if isinstance(found, list)]:
        failed += (Broken(file=str(file), line=one.line, message=one.message) for one in problems)
        del slugs[file]  # so that no page links to it
    imported: list[Imported] = []
    for file, made in _made(slugs, into, known):
        if isinstance(made, list):
            failed += (Broken(file=str(file), line=one.line, message=one.message) for one in made)
            continue
        page, notes = made
        write_page(into, page.slug, page.text.encode())
        if page.slug != _slug(file):
            notes = (f"named {page.slug}, because another page is called {_slug(file)}", *notes)
        imported.append(Imported(source=str(file), page=str(into / f"{page.slug}.md"), slug=page.slug, notes=notes))
    return Done(imported=tuple(imported), failed=tuple(dict.fromkeys(failed)), skipped=tuple(skipped))


def _made(
    slugs: Mapping[Path, str], into: Path, known: list[Procedure]
) -> Iterator[tuple[Path, tuple[Procedure, tuple[str, ...]] | list[Broken]]]:
    """Yield each runbook with its page and notes, or with what is wrong with it.

    Pages are made one at a time, because thousands of them do not fit into memory at once.
    """
    names = owners(known)
    linkable = frozenset({*(page.slug for page in known), *slugs.values()})
    by_path = {str(file.absolute()): slug for file, slug in slugs.items()}
    for file, slug in slugs.items():
        page_at = partial(_page_at, file.absolute().parent, by_path)
        try:
            data = _read(file, into / f"{slug}.md")
            target = Target(file=file.name, slug=slug, page_at=page_at, names=names, slugs=linkable)
            page, notes = imported_page(data, target)
        except BrokenPageError as error:
            yield file, error.problems
            continue
        for name in (page.slug, page.title, *page.aliases):
            names.setdefault(name_key(name), []).append(slug)
        yield file, (page, tuple(notes))


def _read(file: Path, page_file: Path) -> bytes:
    if page_file.exists():
        raise _broken(file, f"{page_file} exists already: rename one of the two")
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise _broken(file, f"cannot be read: {error.strerror}") from error


def _broken(file: Path, message: str) -> BrokenPageError:
    return BrokenPageError([Broken(file=str(file), line=1, message=message)])


def _below(folder: Path) -> tuple[list[Path], list[Skipped]]:
    """The runbooks below a folder, sorted by path, and what is left out."""
    found: list[Path] = []
    skipped: list[Skipped] = []

    def fail(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = (Path(place, name) for name in folders)
        skipped += (Skipped(source=str(path), reason=_A_LINK) for path in inside if path.is_symlink())
        for path in (Path(place, name) for name in files if name.lower().endswith(_ENDINGS) and name[0] != "."):
            reason = _A_LINK if path.is_symlink() else "" if path.is_file() else "it is not a regular file"
            if reason:
                skipped.append(Skipped(source=str(path), reason=reason))
            else:
                found.append(path)
        if len(found) > MOST_FILES:
            raise OSError(0, f"there are more than {MOST_FILES:,} runbooks: import its folders one by one", str(folder))
    return sorted(found), sorted(skipped, key=lambda one: one.source)


def _pages_in(folder: Path) -> Iterator[Procedure]:
    for found in find_pages(folder):
        try:
            yield read_page(found)
        except BrokenPageError:
            continue  # `vmkops kb check` reports it


def _slugs(files: list[Path], built_in: set[str]) -> dict[Path, str]:
    """The slug of each runbook; no two are equal, and none is that of a page that comes with vmkops."""
    taken = set(built_in)
    found: dict[Path, str] = {}
    for file in files:
        slug = _slug(file)
        candidates = (slug, f"team-{slug}", *(f"{slug}-{number}" for number in range(2, MOST_FILES + 2)))
        found[file] = next(each for each in candidates if each not in taken)
        taken.add(found[file])
    return found


def _slug(file: Path) -> str:
    name = file.stem
    if name.strip("_").lower() in _GENERAL and file.absolute().parent.name:
        name = file.absolute().parent.name
    plain = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name))
    ascii_ = plain.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_)[:LONGEST_SLUG].strip("-") or "page"


def _page_at(folder: Path, slugs: Mapping[str, str], path: str) -> str | None:
    """The slug of the runbook at a path relative to a folder; `slugs` has them by absolute path."""
    return slugs.get(os.path.abspath(os.path.join(folder, unquote(path)))) if path else None  # noqa: PTH100, PTH118
