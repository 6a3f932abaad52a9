"""The states that a subject passes through, from the classes of its lines and the messages that report recovery.

A lasting class starts a state. A worse class replaces it; a less severe one does not, because while all paths are down,
the log also reports each lost path. Only a recovery ends it, and only when it was a lost connection.
"""

from __future__ import annotations

from typing import NamedTuple

from knowledge.diagnosis import BY_SEVERITY, FaultClass, severity
from knowledge.loghistory.stamps import Stamp
from knowledge.loghistory.values import State

LASTING: frozenset[FaultClass] = frozenset(
    class_ for class_ in BY_SEVERITY if class_ and severity(class_) >= severity("configuration")
)
"""The classes that are states. The others pass by themselves."""

CONNECTION: frozenset[State] = frozenset(("path loss", "APD", "PDL"))
"""The states that end when the connection to the storage or network is back. Damage does not end with it."""

MOST_RUNS = 64
"""Runs that are kept for each subject: the first and the last ones."""


class Run(NamedTuple):
    """A state that was reported from one line to another; the times are None when the lines have none."""

    state: State
    first: Stamp | None
    last: Stamp | None


class StateRuns:
    """The runs of one subject, in the order in which they were read."""

    __slots__ = ("_runs", "omitted")

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self.omitted = 0

    def add(self, state: State, stamp: Stamp | None) -> None:
        """Note that a line reports this state."""
        if self._runs and not self._is_earlier(stamp):
            last = self._runs[-1]
            if _absorbs(last.state, state):
                self._runs[-1] = last._replace(last=stamp or last.last)
                return
        self._runs.append(Run(state, stamp, stamp))
        if len(self._runs) > MOST_RUNS:
            del self._runs[MOST_RUNS // 2]
            self.omitted += 1

    def passed(self) -> list[Run]:
        """Return the states by time, the first of each; without times, in the order in which they were read.

        A bundle has several logs of the same hours, so what was read later can have happened before.
        """
        passed: list[Run] = []
        for run in self._in_order():
            if not passed or not _absorbs(passed[-1].state, run.state):
                passed.append(run)
        return passed

    def _in_order(self) -> list[Run]:
        both_ends = [end for run in self._runs for end in (run._replace(last=run.first), run._replace(first=run.last))]
        stamps = [run.first for run in both_ends]
        clocks = {stamp.clock if stamp else None for stamp in stamps}
        if None in clocks or len(clocks) != 1:
            return both_ends
        return sorted(both_ends, key=lambda run: run.first.seconds if run.first else 0)

    def _is_earlier(self, stamp: Stamp | None) -> bool:
        """Whether a line was written before the last one that was read."""
        last = self._runs[-1].last
        return bool(stamp and last and stamp.clock == last.clock and stamp.seconds < last.seconds)


def _absorbs(state: State, following: State) -> bool:
    """Whether a subject in one state is still in it after a line that reports another."""
    if following == "recovered":
        return state not in CONNECTION
    if state == "recovered":
        return False
    return severity(following) <= severity(state)
