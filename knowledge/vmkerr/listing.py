"""The listing that ``vmkerrcode -l`` prints on a host: written for a release we know, read and kept for one we do not.

A host's own listing (every vm-support bundle has it as ``commands/vmkerrcode_-l.txt``) settles what its codes mean.
Once imported, lookups include it beside the built-in tables.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from knowledge.errors import NotFound, Unreadable, shown
from knowledge.releases import choose, known, same_release
from knowledge.vmkerr.table import HEADER, LAST_ERROR, Row, Tables, bundled

MAX_BYTES = 4_000_000
"""Of a listing; the longest known has 359 rows in 40 kB."""

_TITLE = "VMK_ReturnStatus table for {name}: {what}"
_COLUMNS = ("Name", "Dec", "Hex", "errno equiv", "Description")

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_LOOKS_LIKE_ROW = re.compile(r"\s*VMK_[A-Z0-9]")
_NUMBER = r"(?:0x[0-9a-fA-F]+|\d{9,10}|0)"
_ROW = re.compile(rf"\s*(VMK_[A-Z0-9_]+?)\s*({_NUMBER})\s+({_NUMBER})\s+(E[A-Z0-9_]+|OK|-)(?:\s+(.*))?", re.ASCII)


class Listing(NamedTuple):
    """A listing as read: its rows, and the numbers of the lines that are no rows, such as the heading."""

    rows: tuple[Row, ...]
    skipped: tuple[int, ...]


def listing(release: str | None = None, tables: Tables | None = None) -> str:
    """Write the table of a release, or of all of them one after another, in the columns of ``vmkerrcode -l``.

    Raises Unreadable for a release nobody knows and NotFound for one without a table, such as 4.1.
    """
    every = tables or bundled()
    ids = list(every.by_release)
    if release:
        choice = choose(release, every.releases)
        if not choice.release:
            raise NotFound(choice.note, ids)
        ids = [choice.release]
    names = {one.id: one for one in every.releases}
    return "\n".join(
        _TITLE.format(name=names[id_].name, what=names[id_].what) + "\n" + _table(every.by_release[id_]) for id_ in ids
    )


def read_listing(text: str, release: str) -> Listing:
    """Read what ``vmkerrcode -l`` printed; ``release`` is the id its rows get.

    Tolerates a heading, curly quotes, a name that runs into its number, and number columns in either order.
    Raises Unreadable with the line numbers when rows are damaged or when there are none.
    """
    rows: dict[int, Row] = {}
    skipped: list[int] = []
    problems: list[str] = []
    for number, line in enumerate(text.replace("’", "'").splitlines(), start=1):
        if not _LOOKS_LIKE_ROW.match(line) or "VMK_ReturnStatus" in line:
            skipped += [number] if line.strip() else []
            continue
        row, problem = _read_row(line, release)
        if row and row.code in rows:
            problem = f"{row.code:#x} stands there twice"
        if problem:
            problems.append(f"line {number}: {problem}")
        elif row and row.name != LAST_ERROR:
            rows[row.code] = row
    if problems:
        more = f"\nand {len(problems) - 10} more" if len(problems) > 10 else ""
        raise Unreadable("Nothing was imported; these rows cannot be read:\n" + "\n".join(problems[:10]) + more)
    if not rows:
        raise Unreadable("This is no listing of vmkernel codes: run `vmkerrcode -l > FILE` on the host.")
    return Listing(tuple(rows.values()), tuple(skipped))


def release_id(typed: str) -> str:
    """Check the name under which a listing is to be kept: ``ESXi-7.0u3`` becomes ``esxi-7.0u3``.

    Raises Unreadable for a name that could leave the folder or hide a table that comes with vmkops.
    """
    name = typed.strip().lower()
    if not _NAME.fullmatch(name) or ".." in name:
        raise Unreadable(
            f"{shown(typed)} cannot be the name of a release. Use letters, digits, dots and dashes, "
            "at most 40, for example esxi-7.0u3."
        )
    for release in known():
        if same_release(release.id, name):
            raise Unreadable(
                f"A table of {release.id} comes with vmkops. Add the update or the host, for example {release.id}u1."
            )
    return name


def content(file: str) -> str:
    """Give the text of a listing in a file, or on standard input for ``-``; bytes that are no text are replaced.

    Raises OSError when it cannot be read, and Unreadable when it is larger than ``MAX_BYTES``.
    """
    with sys.stdin.buffer if file == "-" else Path(file).open("rb") as source:
        found = source.read(MAX_BYTES + 1)
    if len(found) > MAX_BYTES:
        raise Unreadable(f"{shown(file)} is larger than {MAX_BYTES} bytes: no listing is.")
    return found.decode("utf-8", errors="replace")


def keep(data_dir: str | os.PathLike[str], release: str, rows: Iterable[Row]) -> Path:
    """Store an imported table as ``data_dir``/releases/RELEASE.tsv and give its path; replaces an older one whole."""
    folder = Path(data_dir, "releases")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{release_id(release)}.tsv"
    lines = [HEADER]
    lines += [f"{row.release}\t{row.name}\t{row.code}\t{row.code:#x}\t{row.errno}\t{row.description}" for row in rows]
    aside = folder / f".{file.name}.{os.getpid()}"
    try:
        aside.write_text("\n".join(lines) + "\n", encoding="utf-8")
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
    return file


def _read_row(line: str, release: str) -> tuple[Row | None, str]:
    """Read one row, or say what is wrong with it."""
    found = _ROW.fullmatch(line)
    if found is None:
        return None, f"expected name, decimal, hex, errno and description, found {shown(line.strip())}"
    name, first, second, errno, description = found.groups()
    code = int(first, 0)
    if code != int(second, 0):
        return None, f"{first} and {second} are not the same number"
    if code > 0xFFFFFFFF:
        return None, f"{first} has more than 32 bits"
    return Row(release, code, name, errno, " ".join((description or "").split())), ""


def _table(rows: Iterable[Row]) -> str:
    cells = [_COLUMNS, *((row.name, str(row.code), f"{row.code:#x}", row.errno, row.description) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = ["  ".join([*map(str.ljust, line, widths), line[4]]).rstrip() for line in cells]
    lines.insert(1, "-" * 79)
    return "\n".join(lines) + "\n"
