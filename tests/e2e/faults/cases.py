"""The table of faults: for every call, what can go wrong with it, and how the job ends; only data.

`test_*.py` in this folder run it, and `python -m tests.e2e.faults` prints it as docs/faults.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PASSING: dict[str, dict[str, Any]] = {
    "slow": {"delay_ms": 1000, "count": 1},
    "session lost": {"fault": "NotAuthenticated", "count": 1},
    "answer lost": {"lose_answer": True, "count": 1},
    "time-out": {"hold": "answer", "count": 1},
    "late": {"hold": "late", "count": 1},
    "503": {"http_status": 503, "count": 1},
}
"""Faults that pass: rules of the simulator that apply to one call."""
LASTING: dict[str, dict[str, Any]] = {
    "refused": {"fault": "NoPermission"},
    "task fails": {"fault": "FileLocked", "as_task": True},
}
HELD = ("kill -9", "SIGTERM", "cancel")
"""What happens while a call is held: it has done its work and has not answered yet, or its task runs."""
COLUMNS = (*LASTING, *PASSING, *HELD)

USUAL = {
    "refused": "failed",
    "task fails": "failed",
    **dict.fromkeys(PASSING, "succeeded"),
    "kill -9": "succeeded",
    "SIGTERM": "succeeded",
    "cancel": "cancelled",
}
GIVEN_UP = ("time-out", "late")
"""The columns in which a call is given up."""
NO_TASK = "the call starts no task"
READS = frozenset({
    "CreateDescriptor", "CreateFilter", "CreateImportSpec", "CreatePropertyCollector", "CurrentTime",
    "DestroyPropertyCollector", "Fetch", "HttpNfcLeaseGetManifest", "HttpNfcLeaseSetManifestChecksumType",
    "RetrievePropertiesEx", "WaitForUpdatesEx",
})  # fmt: skip
NO_CHANGE = "the call changes nothing, so it does not matter when it is carried out"
LOCAL = "they work on the service's own disk and do not call vCenter"
TARGET = "they work on the service's own disk and on a copy target, and do not call vCenter"
WITHOUT_ROWS = {
    "copy-backup": TARGET,
    "fetch-backup": TARGET,
    "fleet": "its jobs are those of other actions, which have rows of their own; only its selection reads from vCenter",
    "prune-backups": LOCAL,
    "verify-backup": LOCAL,
}
"""Actions that have no rows, and why; every other action must have some."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One call, or one moment of a step, of an action.

    An end is the job's state; `, done` means that the requested change has happened nevertheless, `, reported` that
    something of the job is left: the job's error names it, /readyz lists a snapshot, and the sweep removes it later.
    """

    action: str
    step: str
    call: str
    """A SOAP method; or, between angle brackets, a moment that is not a call to vCenter."""
    since: str = ""
    """When set: the call is the first one after this other call."""
    ends: Mapping[str, str] = field(default_factory=dict)
    """How it ends, in the columns where that differs from the usual end."""
    blank: Mapping[str, str] = field(default_factory=dict)
    """Columns that do not apply, and why."""
    effect: str = ""
    """The method that makes the requested change, where that is not the call itself."""
    changes: bool = True
    open_lease: tuple[str, ...] = ()
    """Columns in which the lease may stay open, because vmkops does not know it or vCenter refuses to end it; vCenter
    ends it after five minutes."""
    stops: bool = False
    """Cancelling ends it while it is held; otherwise the cancellation takes effect when the call or task has ended."""
    unnamed: bool = False
    """The call names no VM and no host, so the row runs by itself."""
    rules: tuple[tuple[str, str], ...] = ()
    """Further calls that are refused, each with its fault, so that the job reaches this call."""

    @property
    def name(self) -> str:
        """The name of the row in tests."""
        return f"{self.action}: {self.call}{f' since {self.since}' if self.since else ''} ({self.step})"

    @property
    def is_task(self) -> bool:
        """Whether the call starts a vSphere task."""
        return self.call.endswith("_Task")

    def may_leave_lease(self, column: str) -> bool:
        """Whether its lease may stay open.

        A service that is told to stop ends in the middle of whatever its job does by then, and that may be a lease.
        """
        return column == "SIGTERM" or column in self.open_lease

    def why_blank(self, column: str) -> str:
        """Why a cell does not apply; empty for one that does."""
        if column == "task fails" and not self.is_task and not self.call.startswith("<"):
            return NO_TASK
        if column == "late" and self.call in READS:
            return NO_CHANGE
        return self.blank.get(column, "")

    def end(self, column: str) -> str:
        """How the job ends."""
        return self.ends.get(column, USUAL[column])


def every(end: str, *columns: str) -> dict[str, str]:
    """The same end in these columns, or in all."""
    return dict.fromkeys(columns or COLUMNS, end)
