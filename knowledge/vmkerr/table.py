"""The tables of vmkernel codes: the built-in ones, and those imported from the listings of hosts.

``Tables`` holds them all, oldest release first, indexed by code and by name. Tables are read on demand: the built-in
ones once, the imported ones again only when a file in their folder changes.
"""

from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import cache, cached_property, lru_cache

from knowledge import linux_errno
from knowledge.data_files import data_lines, read_text
from knowledge.releases import Release, built_in_releases, imported_release, version_key

GENERIC_LINUX_ERROR = 0x2BAD0000
"""A code at or above this number is this number plus a Linux errno (vmklinux ``linux_stubs.c``, ESXi 5.0 to 6.7)."""

LAST_ERROR = "VMK_LAST_ERR"
"""The end marker in VMware's header; its number changes with each release, so it is never decoded."""

HEADER = "release\tname\tdecimal\thex\terrno_equiv\tdescription"

_PUNCTUATION_TO_SPACES = str.maketrans(dict.fromkeys("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", " "))


class Row(namedtuple("Row", ("release", "code", "name", "errno", "description"))):
    """What one release means by one code."""

    __slots__ = ()

    release: str
    code: int
    name: str
    errno: str
    description: str

    def as_line(self) -> str:
        """Return the row with the columns of ``HEADER``, without a line end."""
        return f"{self.release}\t{self.name}\t{self.code}\t{self.code:#x}\t{self.errno}\t{self.description}"


class Tables:
    """The tables of several releases, from lines with the columns of ``HEADER``, oldest release first; immutable.

    Rows are parsed on demand: one lookup on the command line needs five of 1,598. ``problems`` has a sentence for each
    imported file that cannot be read and is therefore ignored.
    """

    def __init__(self, releases: Iterable[Release], lines: Iterable[str], problems: Iterable[str] = ()) -> None:
        self.releases = tuple(releases)
        self.lines = tuple(lines)
        self.problems = tuple(problems)
        self._ids = frozenset(release.id for release in self.releases)
        self._meanings: dict[int, list[Row]] = {}

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Every row, oldest release first, within a release in the order of its table."""
        return tuple(read_rows(self.lines, self._ids))

    @cached_property
    def by_release(self) -> dict[str, list[Row]]:
        """The rows of each release, oldest release first."""
        index: dict[str, list[Row]] = {release.id: [] for release in self.releases}
        for row in self.rows:
            index[row.release].append(row)
        return index

    @cached_property
    def by_name(self) -> dict[str, list[Row]]:
        """The rows of each name, oldest release first."""
        index: dict[str, list[Row]] = {}
        for row in self.rows:
            index.setdefault(row.name, []).append(row)
        return index

    @cached_property
    def words(self) -> tuple[tuple[str, Row], ...]:
        """For each row, the lowercase words of its description and name with a space around each, and the row."""
        texts = [f"{row.description} {row.name.removeprefix('VMK_')}" for row in self.rows]
        distinct = list(dict.fromkeys(texts))  # most releases have the same text
        spaced = [f" {' '.join(text.split())} " for text in _without_punctuation("\n".join(distinct)).split("\n")]
        words = dict(zip(distinct, spaced, strict=True))
        return tuple((words[text], row) for text, row in zip(texts, self.rows, strict=True))

    def meanings(self, code: int) -> list[Row]:
        """Return the row of each release that has the code, oldest first; empty when none has it."""
        if code in self._meanings:
            return self._meanings[code]
        cell = f"\t{code:#x}\t"
        rows = list(read_rows((line for line in self.lines if cell in line), self._ids)) or self._linux_error(code)
        if rows:
            self._meanings[code] = rows
        return rows

    def _linux_error(self, code: int) -> list[Row]:
        """Return rows for a generic Linux error, which no table lists, made from its errno."""
        error = linux_errno.by_number(code - GENERIC_LINUX_ERROR)
        if error is None:
            return []
        text = f"Linux errno {error.number} ({error.name}): {error.text}"
        return [
            Row(row.release, code, row.name, error.name, f"{row.description}, {text}")
            for row in self.meanings(GENERIC_LINUX_ERROR)
        ]


@cache
def bundled() -> Tables:
    """Return the five tables that come with vmkops."""
    return Tables(built_in_releases(), data_lines("vmk_status_by_version.tsv"))


def tables_in(data_dir: str | os.PathLike[str]) -> Tables:
    """Return the built-in tables together with those imported into ``data_dir``/releases.

    It is cheap to call for every lookup: files are read again only when one was added, changed or removed.
    """
    try:
        with os.scandir(f"{os.fspath(data_dir)}/releases") as entries:
            files = sorted(
                (entry.path, entry.stat().st_mtime_ns, entry.stat().st_size)
                for entry in entries
                if entry.name.endswith(".tsv") and not entry.name.startswith(".")
            )
    except (FileNotFoundError, NotADirectoryError):
        return bundled()
    return _with_imported(tuple(files)) if files else bundled()


def with_rows(tables: Tables, added: Mapping[str, Iterable[Row]]) -> Tables:
    """Return the tables together with those of further releases: the rows of each by its id.

    A release that ``tables`` has already gets the added rows in place of its own.
    """
    kept = {release: lines for release, lines in _by_release(tables).items() if release.id not in added}
    new = {imported_release(id_): [row.as_line() for row in rows] for id_, rows in added.items()}
    return _oldest_first(kept | new, tables.problems)


def read_rows(lines: Iterable[str], releases: Set[str]) -> Iterator[Row]:
    """Parse the lines of a table of these releases (ids), without its header.

    Curly quotes become straight ones. Raises ValueError for a line that is not a row of one of them, with its line
    number in a file that has one header line.
    """
    for number, line in enumerate(lines, start=2):
        try:
            release, name, decimal, _, errno, description = line.replace("’", "'").split("\t")
            row = Row(release, int(decimal), name, errno, description)
        except ValueError:
            raise ValueError(f"line {number} is not a row of six columns") from None
        if release not in releases:
            raise ValueError(f"line {number} is a row of {release}, not of {' or '.join(sorted(releases))}")
        if name != LAST_ERROR:
            yield row


def as_words(text: str) -> str:
    """Return the words of a text in lower case with one space between them: ``VMK_NO_MEMORY`` as ``vmk no memory``.

    ``Can't`` becomes ``cannot``, because ESX 3.5 has the one where later releases have the other.
    """
    return " ".join(_without_punctuation(text).split())


def _without_punctuation(text: str) -> str:
    return text.lower().replace("can't", "cannot").translate(_PUNCTUATION_TO_SPACES)


@lru_cache(maxsize=4)
def _with_imported(files: tuple[tuple[str, int, int], ...]) -> Tables:
    tables = _by_release(bundled())
    problems = []
    for path, _, _ in files:
        release = imported_release(path.rpartition("/")[2].removesuffix(".tsv"))
        try:
            tables[release] = _imported_lines(path, release)
        except (OSError, ValueError) as reason:
            problems.append(f"{path} is ignored: {reason}. Import it again.")
    return _oldest_first(tables, problems)


def _by_release(tables: Tables) -> dict[Release, list[str]]:
    return {
        release: [line for line in tables.lines if line.startswith(f"{release.id}\t")] for release in tables.releases
    }


def _oldest_first(tables: Mapping[Release, Iterable[str]], problems: Iterable[str]) -> Tables:
    releases = sorted(tables, key=lambda release: version_key(release.id))
    return Tables(releases, (line for release in releases for line in tables[release]), problems)


def _imported_lines(path: str, release: Release) -> list[str]:
    if any(release.id == other.id for other in bundled().releases):
        raise ValueError(f"vmkops already has a table of {release.id}")
    lines = read_text(path).splitlines()[1:]
    list(read_rows(lines, {release.id}))  # raises for a line that is not a row of this release
    for _, name, decimal, hexadecimal, *_ in (line.split("\t") for line in lines):
        if hexadecimal != f"{int(decimal):#x}":
            raise ValueError(f"{name} has two different numbers")
    return lines
