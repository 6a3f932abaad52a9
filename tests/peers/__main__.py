"""`python -m tests.peers`: gets every peer ahead and prints one line for each; a second run finds them there."""

from __future__ import annotations

import contextlib
import sys

from tests.peers.commands import MachineUnableError, PeerUnavailableError
from tests.peers.fetch import SOURCES, in_ci, install_debian_packages, obtain


def main() -> int:
    """Get every peer; the exit status is 1 when one is missing and CI=true, else 0."""
    width = max(map(len, SOURCES))
    missing = 0
    with contextlib.suppress(PeerUnavailableError):  # each row tries again and says why
        install_debian_packages()
    for peer in SOURCES:
        try:
            print(f"{peer:{width}} {obtain(peer)}", flush=True)
        except PeerUnavailableError as error:
            missing += not isinstance(error, MachineUnableError)
            print(f"{peer:{width}} missing, its tests {consequence(error)}: {error}", flush=True)
    return 1 if missing and in_ci() else 0


def consequence(error: PeerUnavailableError) -> str:
    """Return what happens to the tests of a peer that is missing for this reason."""
    return "fail" if in_ci() and not isinstance(error, MachineUnableError) else "are skipped"


if __name__ == "__main__":
    sys.exit(main())
