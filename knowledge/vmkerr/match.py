"""Groups the rows of several tables into one match for each distinct meaning, and detects contradictory releases."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Sequence

from knowledge.record import Record
from knowledge.vmkerr.table import GENERIC_LINUX_ERROR, Row, Tables, as_words

DDK_ONLY = (
    "Known only from the table of a 2024 driver development kit. The kit does not state which release added it; "
    "7.x or 8.x is likely."
)
LINUX_ERROR = "Read as 0x2bad0000 plus a Linux errno, as in the vmklinux sources of ESXi 5.0 to 6.7."
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
    """Return one match for all rows with the same code, name and errno, in the order in which they first appear.

    Releases sometimes reword a description without a change of meaning; the match has the newest wording.
    """
    newest = {(row.code, row.name, row.errno): row for row in rows}
    return tuple(_match(row, tables) for row in newest.values())


def contradict(matches: Sequence[Match]) -> bool:
    """Return whether one code has two meanings, or one name has two codes, depending on the release."""
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
    """Return sentences about these matches that a reader needs in addition to their meaning; often none."""
    sentences = []
    if all(match.releases == ["ddk-2024"] for match in matches):
        sentences.append(DDK_ONLY)
    if any(match.decimal > GENERIC_LINUX_ERROR for match in matches):
        sentences.append(LINUX_ERROR)
    newest = {(row.code, row.name, row.errno): _comparable(row.description) for row in rows}
    reworded: dict[str, list[str]] = {}
    for row in rows:
        if _comparable(row.description) != newest[row.code, row.name, row.errno]:
            reworded.setdefault(row.description, []).append(row.release)
    sentences += [REWORDED.format(releases=", ".join(reworded[text]), description=text) for text in reworded]
    return sentences


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


def _comparable(description: str) -> str:
    """Return a form of a description in which neither typography nor the typo that VMware corrected is a difference."""
    return as_words(description).replace("shared are mismatch", "shared area mismatch")
