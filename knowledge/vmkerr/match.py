"""Rows of several tables -> one match for each distinct meaning, and whether the releases contradict each other."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Sequence

from knowledge.record import Record
from knowledge.vmkerr.table import GENERIC_LINUX_ERROR, Row, Tables, as_words

DDK_ONLY = (
    "Known only from the table of a 2024 driver development kit; which release added it is not stated, "
    "likely 7.x or 8.x."
)
LINUX_ERROR = "Read as 0x2bad0000 plus a Linux errno, as the vmklinux sources of ESXi 5.0 to 6.7 do."
REWORDED = "Worded in {releases} as: {description}."


class Match(Record, namedtuple("Match", ("code", "hex", "decimal", "name", "errno", "description", "releases"))):
    """One distinct meaning of a code, and the releases that give it that meaning, oldest first."""

    __slots__ = ()
    code: str
    hex: str
    decimal: int
    name: str
    errno: str
    description: str
    releases: list[str]


def matches_of(rows: Iterable[Row], tables: Tables) -> tuple[Match, ...]:
    """Make one match of all rows that agree in code, name and errno, in the order in which they first appear.

    Releases sometimes reword a description without changing its meaning: the newest wording is given.
    """
    newest = {(row.code, row.name, row.errno): row for row in rows}
    return tuple(_match(row, tables) for row in newest.values())


def contradict(matches: Sequence[Match]) -> bool:
    """Tell whether one code has two meanings, or one name two codes, depending on the release."""
    if len({match.code for match in matches}) < len(matches):
        return True
    seen: dict[str, set[str]] = {}
    for match in matches:
        earlier = seen.setdefault(match.name, set())
        if earlier and earlier.isdisjoint(match.releases):
            return True
        earlier.update(match.releases)
    return False


def remarks(matches: Sequence[Match], rows: Sequence[Row]) -> list[str]:
    """Say what a reader has to know about these matches beside their meaning; often nothing."""
    said = []
    if all(match.releases == ["ddk-2024"] for match in matches):
        said.append(DDK_ONLY)
    if any(match.decimal > GENERIC_LINUX_ERROR for match in matches):
        said.append(LINUX_ERROR)
    newest = {(row.code, row.name, row.errno): _plain(row.description) for row in rows}
    reworded: dict[str, list[str]] = {}
    for row in rows:
        if _plain(row.description) != newest[row.code, row.name, row.errno]:
            reworded.setdefault(row.description, []).append(row.release)
    said += [REWORDED.format(releases=", ".join(reworded[text]), description=text) for text in reworded]
    return said


def _match(row: Row, tables: Tables) -> Match:
    hexadecimal = f"{row.code:#x}"
    return Match(
        code=hexadecimal,
        hex=hexadecimal,
        decimal=row.code,
        name=row.name,
        errno=row.errno,
        description=row.description,
        releases=[
            other.release for other in tables.meanings(row.code) if (other.name, other.errno) == (row.name, row.errno)
        ],
    )


def _plain(description: str) -> str:
    """Reduce a description to what matters: neither typography nor VMware's mended slip is a new wording."""
    return as_words(description).replace("shared are mismatch", "shared area mismatch")
