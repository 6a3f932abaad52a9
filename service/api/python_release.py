"""Known holes of Python releases that matter to a service that reads files from outside."""

from __future__ import annotations

import sys
from typing import NamedTuple

Release = tuple[int, int, int]


class Weakness(NamedTuple):
    """A hole: its CVE, what it allows, and the first release of each line that has the fix."""

    cve: str
    what: str
    fixed: tuple[Release, ...]


WEAKNESSES = (
    Weakness(
        "CVE-2024-6232",
        "the headers of a hostile tar archive take hours to read; vmkops refuses such headers",
        ((3, 11, 10), (3, 12, 6)),
    ),
)
"""The CVE record shows what is affected (https://www.cve.org/CVERecord?id=CVE-2024-6232)."""


def python_weaknesses(release: Release = sys.version_info[:3]) -> list[str]:
    """A sentence for each hole of this release of Python, with what to do."""
    found = []
    for each in WEAKNESSES:
        fix = next((fixed for fixed in each.fixed if fixed[:2] == release[:2]), None)
        if fix is not None and release < fix:
            running, better = (".".join(map(str, numbers)) for numbers in (release, fix))
            found.append(f"Python {running} has {each.cve}: {each.what}. Install Python {better} or later.")
    return found
