"""Which table of vmkernel codes answers for an ESX release, as people write releases.

A code means nothing without its release: ESX 3.5 and ESXi 5.0 number most codes differently, 4.x is a third
numbering of which no table is known, and since 5.0 codes are only appended (header comment in vmkapi_status.h).
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable

from knowledge.errors import Unreadable, shown
from knowledge.facts import fact_lines
from knowledge.record import Record

_VERSION = r"(\d{1,2})(?:\.(\d{1,2}|x))?(?:\.\w+)*(?:(?:update|u|patch|p|ep)\d+\w?)?"
_AROUND_A_VERSION = ("vmware", "vsphere", "esxi", "esx", "server", " ", "_", "-")
_DDK = ("ddk", "ddknew", "ddk2024")

NO_TABLE_OF_4 = (
    "ESX {version} numbers its codes in a third way, and no table of it is known: what ESX 3.5 or ESXi 5.0 and "
    "later mean by a code need not hold for it. Import the host's own listing: "
    "vmkops vmkerr import FILE --release esx-{version}"
)
NO_TABLE = (
    "No table of ESX {version} is known: what the other releases mean by a code need not hold for it. "
    "Import the host's own listing: vmkops vmkerr import FILE --release esx-{version}"
)
SUPERSET = (
    "No table of ESXi {version} is known. Since ESXi 5.0 codes are only appended, so the meanings of the {table} "
    "table hold for it, though {version} may lack the newest of them."
)
LOWER_BOUND = (
    "No table of ESXi {version} is known. Since ESXi 5.0 codes are only appended, so the meanings of the ESXi 6.0 "
    "table hold for it, and {version} may have more codes."
)
APPENDED = (
    "No table of ESXi {version} is known. Since ESXi 5.0 codes are only appended, so 0xbad0001 to 0xbad0154 hold "
    "for it; 0xbad0155 to 0xbad0164 are likely but unconfirmed, and it may have more."
)


class Release(Record, namedtuple("Release", ("id", "name", "what", "certainty", "source"))):
    """One release whose table of codes is known: what the table is, how certain it is, and where it is from."""

    __slots__ = ()
    id: str
    name: str
    what: str
    certainty: str
    source: str


class Choice(namedtuple("Choice", ("release", "note"), defaults=("",))):
    """The table that answers for a release: its id, empty when there is none, and what must be said about it."""

    __slots__ = ()
    release: str
    note: str


def known() -> tuple[Release, ...]:
    """Give the five releases whose tables come with vmkops, oldest first."""
    return tuple(Release(*line.split("\t")) for line in fact_lines("releases.tsv"))


def imported(release: str) -> Release:
    """Describe a release whose table somebody imported from a host of theirs."""
    return Release(
        id=release,
        name=release,
        what="vmkerrcode -l of a host, imported here",
        certainty="primary: the host's own listing",
        source=f"releases/{release}.tsv in the data directory",
    )


def age(release: str) -> tuple[int, int]:
    """Give a key that sorts release ids oldest first; ids without a version come last."""
    import re  # only imported tables need to be sorted

    version = re.match(r"(?:esxi?-|ddk-)?(\d+)(?:\.(\d+))?", release)
    return (int(version[1]), int(version[2] or 0)) if version else (9999, 0)


def same_release(first: str, second: str) -> bool:
    """Tell whether two spellings name the same release: ``ESXi 6.0``, ``esxi-6.0`` and ``6.0`` do."""
    return _core(first) == _core(second)


def choose(typed: str, releases: Iterable[Release]) -> Choice:
    """Find the table for a release as somebody typed it (``3.5``, ``ESXi 6.7``, ``8``, an id).

    Raises Unreadable, with the ids that can be typed, when no such release is known.
    """
    ids = [release.id for release in releases]
    exact = [id_ for id_ in ids if id_ == typed.strip().lower()] or [id_ for id_ in ids if same_release(id_, typed)]
    if exact:
        return Choice(exact[0])
    if _core(typed) in _DDK:
        return Choice("ddk-2024")
    choice = _by_version(typed) if len(typed) <= 40 and typed.isascii() else None
    if choice is None:
        raise Unreadable(
            f"{shown(typed)} is no release I know. Type one of: {', '.join(ids)}, or a version such as 6.7 or 8.0.",
            ids,
        )
    return choice


def _core(typed: str) -> str:
    """Strip what people write around a version: ``VMware ESXi 7.0 U3`` becomes ``7.0u3``."""
    core = typed.lower().strip()
    for word in _AROUND_A_VERSION:
        core = core.replace(word, "")
    return core


def _by_version(typed: str) -> Choice | None:
    """Apply the append-only rule; None when this is no version, or one that VMware has not made so far."""
    import re  # only releases without a table of their own come here

    read = re.fullmatch(_VERSION, _core(typed))
    if read is None:
        return None
    major, minor = int(read[1]), read[2] or "x"
    version = f"{major}.{minor}"
    if major == 3 and minor in ("5", "x"):
        return Choice("esx-3.5")
    if major == 4:
        return Choice("", NO_TABLE_OF_4.format(version=version))
    if major == 5 and minor in ("0", "1"):
        return Choice(f"esxi-{version}")
    if major == 5:
        return Choice("esxi-6.0", SUPERSET.format(version=version, table="ESXi 6.0"))
    if major == 6:
        return Choice("esxi-6.0", "" if minor == "0" else LOWER_BOUND.format(version=version))
    if major in (7, 8, 9):
        return Choice("ddk-2024", APPENDED.format(version=version))
    return Choice("", NO_TABLE.format(version=version)) if 1 <= major <= 3 else None
