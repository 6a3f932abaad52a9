"""The listing that ``vmkerrcode -l`` prints on a host: prints the same for a known release, and imports a host's own.

A host's own listing (every vm-support bundle has it as ``commands/vmkerrcode_-l.txt``) is the authority on its codes.
After the import, lookups include it together with the built-in tables.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from knowledge.atomic_file import replace_file
from knowledge.errors import NotFound, Unreadable, shown
from knowledge.releases import built_in_releases, choose, same_release
from knowledge.vmkerr.table import HEADER, LAST_ERROR, Row, Tables, bundled

MAX_BYTES = 4_000_000
"""The largest listing that is read; the longest known one has 359 rows in 40 kB."""

_TITLE = "VMK_ReturnStatus table for {name}: {what}"
_COLUMNS = ("Name", "Dec", "Hex", "errno equiv", "Description")

_HEADING = re.compile(r"VMK_ReturnStatus table\b.*|Name\s+Dec\s+Hex\s+errno\s+equiv\s+Description|[-\u2014\u2013=]+")
"""A line of the heading, without the space around it: its title, the names of its columns, or a rule."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_LOOKS_LIKE_ROW = re.compile(r"\s*VMK_[A-Z0-9]")
_NUMBER = r"(?:0x[0-9a-fA-F]+|\d{9,10}|0)"
_ROW = re.compile(rf"\s*(VMK_[A-Z0-9_]+?)\s*({_NUMBER})\s+({_NUMBER})\s+(E[A-Z0-9_]+|OK|-)(?:\s+(.*))?", re.ASCII)


class Listing(NamedTuple):
    """A listing as read: its rows, and the numbers of the lines that are neither rows nor a heading."""

    rows: tuple[Row, ...]
    skipped: tuple[int, ...]


class DamagedListing(Unreadable):
    """Some rows of a listing cannot be read; ``rows`` has a sentence for each, with the number of its line."""

    def __init__(self, rows: list[str]) -> None:
        more = f"\nand {len(rows) - 10} more" if len(rows) > 10 else ""
        super().__init__("Nothing was imported; these rows cannot be read:\n" + "\n".join(rows[:10]) + more)
        self.rows = tuple(rows)


def listing(release: str | None = None, tables: Tables | None = None) -> str:
    """Return the table of a release, or of all releases one after another, in the columns of ``vmkerrcode -l``.

    ``release`` is typed as in ``lookup.find``; ``tables`` defaults to the built-in ones. Raises Unreadable for an
    unknown release, and NotFound for a release without a table, such as 4.1.
    """
    tables = tables or bundled()
    ids = list(tables.by_release)
    if release:
        choice = choose(release, tables.releases)
        if not choice.release:
            raise NotFound(choice.note, ids)
        ids = [choice.release]
    releases = {release.id: release for release in tables.releases}
    return "\n".join(
        _TITLE.format(name=releases[id_].name, what=releases[id_].what) + "\n" + _table(tables.by_release[id_])
        for id_ in ids
    )


def read_listing(text: str, release: str) -> Listing:
    """Parse the output of ``vmkerrcode -l``; the rows get ``release`` as their release id.

    Tolerates a heading, also before each of several tables, curly quotes, a name that runs into its number, and number
    columns in either order.
    Raises DamagedListing when rows are damaged, and Unreadable when there are no rows.
    """
    rows: dict[int, Row] = {}
    skipped: list[int] = []
    problems: list[str] = []
    for number, line in enumerate(text.replace("’", "'").splitlines(), start=1):
        if _HEADING.fullmatch(line.strip()):
            continue
        if not _LOOKS_LIKE_ROW.match(line) or "VMK_ReturnStatus" in line:
            skipped += [number] if line.strip() else []
            continue
        row, problem = _read_row(line, release)
        if row and row.code in rows:
            problem = f"{row.code:#x} is listed twice"
        if problem:
            problems.append(f"line {number}: {problem}")
        elif row and row.name != LAST_ERROR:
            rows[row.code] = row
    if problems:
        raise DamagedListing(problems)
    if not rows:
        raise Unreadable("This is not a listing of vmkernel codes. Run `vmkerrcode -l > FILE` on the host.")
    return Listing(tuple(rows.values()), tuple(skipped))


def release_id(typed: str) -> str:
    """Return the release id to store an imported listing under: ``ESXi-7.0u3`` becomes ``esxi-7.0u3``.

    Raises Unreadable for a name that could point outside the folder or hide a built-in table.
    """
    name = typed.strip().lower()
    if not _NAME.fullmatch(name) or ".." in name:
        raise Unreadable(
            f"{shown(typed)} cannot be the name of a release. Use up to 40 letters, digits, dots and dashes, "
            "for example esxi-7.0u3."
        )
    for release in built_in_releases():
        if same_release(release.id, name):
            raise Unreadable(
                f"vmkops already has a table of {release.id}. Add the update or the host to the name, "
                f"for example {release.id}u1."
            )
    return name


def content(file: str) -> str:
    """Return the text of the listing in ``file``, or from standard input for ``-``.

    Bytes that are not UTF-8 are replaced. Raises OSError when the file cannot be read, and Unreadable when it is
    larger than ``MAX_BYTES``.
    """
    with sys.stdin.buffer if file == "-" else Path(file).open("rb") as source:
        data = source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Unreadable(f"{shown(file)} is larger than {MAX_BYTES} bytes, so it cannot be a listing of codes.")
    return data.decode("utf-8", errors="replace")


def keep(data_dir: str | os.PathLike[str], release: str, rows: Iterable[Row]) -> Path:
    """Store an imported table as ``data_dir``/releases/RELEASE.tsv, in place of an older one, and return its path.

    A reader never sees a partly written table, and of several imports at once the last one wins. Raises Unreadable for
    a wrong name, and OSError.
    """
    folder = Path(data_dir, "releases")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{release_id(release)}.tsv"
    lines = [HEADER, *(row.as_line() for row in rows)]
    replace_file(file, ("\n".join(lines) + "\n").encode())
    return file


def _read_row(line: str, release: str) -> tuple[Row | None, str]:
    """Parse one row; return it with an empty string, or None with the reason why it cannot be parsed."""
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
