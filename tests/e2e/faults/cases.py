"""The table of faults: every call and step x what can go wrong with it, and how the job ends; nothing but data.

`test_*.py` here run it, and `python -m tests.e2e.faults` prints it as docs/faults.md.
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
    "503": {"http_status": 503, "count": 1},
}
"""What passes: rules of the simulator that act on one call."""
LASTING: dict[str, dict[str, Any]] = {
    "refused": {"fault": "NoPermission"},
    "task fails": {"fault": "FileLocked", "as_task": True},
}
HELD = ("kill -9", "SIGTERM", "cancel")
"""What happens while a call is held: it has done its work and not answered yet, or its task runs."""
COLUMNS = (*LASTING, *PASSING, *HELD)

USUAL = {
    "refused": "failed",
    "task fails": "failed",
    **dict.fromkeys(PASSING, "succeeded"),
    "kill -9": "succeeded",
    "SIGTERM": "succeeded",
    "cancel": "cancelled",
}
NO_TASK = "the call starts no task"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One call, or one moment of a step, of an action.

    An end is the job's state; `, done` says that what was asked for has happened all the same, `, told` that a snapshot
    of ours is left, named in the job's error and in /readyz, and removed by the sweep once vCenter lets it.
    """

    action: str
    step: str
    call: str
    """A SOAP method; or, between angle brackets, a moment that is no call of ours."""
    since: str = ""
    """The call is the first one after this other one."""
    ends: Mapping[str, str] = field(default_factory=dict)
    """How it ends in those columns where it is not as usual."""
    blank: Mapping[str, str] = field(default_factory=dict)
    """Columns that make no sense here, and why."""
    deed: str = ""
    """The method that does what was asked for, if it changes anything and is not the call itself."""
    changes: bool = True
    open_lease: tuple[str, ...] = ()
    """Columns in which the lease may stay open: nobody has heard of it, or it may not be ended; vCenter ends it
    after five minutes."""
    stops: bool = False
    """A cancel ends it while it is held; otherwise it is noticed when the call or task has ended."""
    unnamed: bool = False
    """The call names no VM and no host, so the row runs alone."""
    rules: tuple[tuple[str, str], ...] = ()
    """Further calls that are refused meanwhile, each with the fault, so that the job comes to this call."""

    @property
    def name(self) -> str:
        """How tests and people refer to it."""
        return f"{self.action}: {self.call}{f' since {self.since}' if self.since else ''} ({self.step})"

    @property
    def is_task(self) -> bool:
        """Whether the call starts a task of vSphere's."""
        return self.call.endswith("_Task")

    def may_leave_lease(self, column: str) -> bool:
        """Whether its lease may stay open.

        A service that is told to stop ends in the middle of whatever its job does by then, and that may be a lease.
        """
        return column == "SIGTERM" or column in self.open_lease

    def why_blank(self, column: str) -> str:
        """Why a cell is not there; empty for one that is."""
        if column == "task fails" and not self.is_task and not self.call.startswith("<"):
            return NO_TASK
        return self.blank.get(column, "")

    def end(self, column: str) -> str:
        """How it ends."""
        return self.ends.get(column, USUAL[column])


def every(end: str, *columns: str) -> dict[str, str]:
    """The same end in these columns, or in all."""
    return dict.fromkeys(columns or COLUMNS, end)
