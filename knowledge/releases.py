"""Chooses the table of vmkernel codes for an ESX release, in any of the ways in which people write a release.

A code means nothing without its release. ESX 3.5 and ESXi 5.0 number most codes differently. ESX 4.x uses a third
numbering, for which no table is known. Since 5.0, codes are only appended (header comment in ``vmkapi_status.h``).
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable

from knowledge.data_files import data_lines
from knowledge.errors import Unreadable, shown
from knowledge.record import Record

_VERSION = r"(\d{1,2})(?:\.(\d{1,2}|x))?(?:\.\w+)*(?:(?:update|u|patch|p|ep)\d+\w?)?"
_AROUND_A_VERSION = ("vmware", "vsphere", "esxi", "esx", "server", " ", "_", "-")
_DDK = ("ddk", "ddknew", "ddk2024")

NO_TABLE_OF_4 = (
    "ESX {version} uses a third numbering of codes, and no table of it is known. The meanings from ESX 3.5 and from "
    "ESXi 5.0 and later may not apply to it. Import the host's own listing: "
    "vmkops vmkerr import FILE --release esx-{version}"
)
NO_TABLE = (
    "No table of ESX {version} is known. The meanings from other releases may not apply to it. "
    "Import the host's own listing: vmkops vmkerr import FILE --release esx-{version}"
)
SUPERSET = (
    "No table of ESXi {version} is known. Since ESXi 5.0, codes are only appended, so the meanings in the {table} "
    "table apply to it, but {version} may not have the newest of them."
)
LOWER_BOUND = (
    "No table of ESXi {version} is known. Since ESXi 5.0, codes are only appended, so the meanings in the ESXi 6.0 "
    "table apply to it, and {version} may have more codes."
)
APPENDED = (
    "No table of ESXi {version} is known. Since ESXi 5.0, codes are only appended, so 0xbad0001 to 0xbad0154 apply "
    "to it. 0xbad0155 to 0xbad0164 are likely but unconfirmed, and it may have more codes."
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
    """The table to use for a release: ``release`` is its id (empty when there is none), ``note`` a caveat or empty."""

    __slots__ = ()
    release: str
    note: str


def built_in_releases() -> tuple[Release, ...]:
    """Return the five releases whose tables come with vmkops, oldest first."""
    return tuple(Release(*line.split("\t")) for line in data_lines("releases.tsv"))


def imported_release(release: str) -> Release:
    """Describe a release whose table was imported from a host's own listing."""
    return Release(
        id=release,
        name=release,
        what="imported output of vmkerrcode -l on a host",
        certainty="primary: the host's own listing",
        source=f"releases/{release}.tsv in the data directory",
    )


def version_key(release: str) -> tuple[int, int]:
    """Return the version (major, minor) of a release id, to sort ids oldest first; ids without a version come last."""
    import re  # imported here because only imported tables need sorting

    version = re.match(r"(?:esxi?-|ddk-)?(\d+)(?:\.(\d+))?", release)
    return (int(version[1]), int(version[2] or 0)) if version else (9999, 0)


def same_release(first: str, second: str) -> bool:
    """Return whether two spellings name the same release, as ``ESXi 6.0``, ``esxi-6.0`` and ``6.0`` do."""
    return _bare_version(first) == _bare_version(second)


def choose(typed: str, releases: Iterable[Release]) -> Choice:
    """Find the table for a release as a user types it (``3.5``, ``ESXi 6.7``, ``8``, or an id of ``releases``).

    Raises Unreadable, with the valid ids as suggestions, when no such release is known.
    """
    ids = [release.id for release in releases]
    exact = [id_ for id_ in ids if id_ == typed.strip().lower()] or [id_ for id_ in ids if same_release(id_, typed)]
    if exact:
        return Choice(exact[0])
    if _bare_version(typed) in _DDK:
        return Choice("ddk-2024")
    choice = _by_version(typed) if len(typed) <= 40 and typed.isascii() else None
    if choice is None:
        raise Unreadable(
            f"{shown(typed)} is not a known release. Type one of: {', '.join(ids)}, or a version such as 6.7 or 8.0.",
            ids,
        )
    return choice


def _bare_version(typed: str) -> str:
    """Strip the words that people write around a version: ``VMware ESXi 7.0 U3`` becomes ``7.0u3``."""
    version = typed.lower().strip()
    for word in _AROUND_A_VERSION:
        version = version.replace(word, "")
    return version


def _by_version(typed: str) -> Choice | None:
    """Apply the append-only rule; return None for text that is not a version, and for a version that does not exist."""
    import re  # imported here because only releases without their own table need it

    parsed = re.fullmatch(_VERSION, _bare_version(typed))
    if parsed is None:
        return None
    major, minor = int(parsed[1]), parsed[2] or "x"
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
