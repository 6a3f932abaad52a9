"""The states that a subject passes through, from the classes of its lines and the messages that report recovery.

A lasting class starts a state. A worse class replaces it; a less severe one does not, because while all paths are down,
the log also reports each lost path. Only a recovery ends it, and only when it was a lost connection.

A bundle has the files of a rotated log in any order, and several logs of the same hours. What hosts report is therefore
kept in bounded memory, and put in the order of its times when all lines are read.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from knowledge.diagnosis import BY_SEVERITY, FaultClass, severity
from knowledge.loghistory.stamps import Stamp
from knowledge.loghistory.values import Place, State

if TYPE_CHECKING:
    from knowledge.loghistory.tally import Tally

LASTING: frozenset[FaultClass] = frozenset(
    class_ for class_ in BY_SEVERITY if class_ and severity(class_) >= severity("configuration")
)
"""The classes that are states. The others pass by themselves."""

CONNECTION: frozenset[State] = frozenset(("path loss", "APD", "PDL"))
"""The states that end when the connection to the storage or network is back. Damage does not end with it."""

MOST_RUNS = 64
"""Runs that are kept for each subject, besides ``RUNS_OF_HOST`` for each host: the first and the last ones."""

RUNS_OF_HOST = 4

MOST_HOSTS = 256
"""Hosts that are followed for each subject; those that report a recovery make way for others."""

MOST_DEVICES = 64
"""Devices that are followed for each run, to recover with them."""


@dataclass(slots=True, eq=False)
class Run:
    """A state that one host reported from one line to another; the times are None when the lines have none."""

    state: State
    first: Stamp | None
    last: Stamp | None
    place: Place
    """Where the first line is."""
    last_place: Place
    host: str = ""
    """Empty for lines that do not name their host."""
    lost: bool = False
    """Whether a line of it reports a lost connection."""
    devices: set[Tally] = field(default_factory=set)
    """The devices that such lines name."""
    alone: bool = False
    """Whether such a line names no device that is followed, so that the recovery of a device does not end it."""


class Passed(NamedTuple):
    """What the runs of all hosts come to at the end of the log."""

    states: list[Run]
    """The first run of each state, in order."""
    down: frozenset[str]
    """The hosts that reported a lost connection and no recovery after it; "" for lines that do not name their host."""
    devices: frozenset[Tally]
    """The devices of the lines that report these losses."""
    alone: bool
    """Whether one of these lines names no device that is followed."""
    by_time: bool
    """Whether the order is that of the times; else that in which the lines were read."""


class StateRuns:
    """The runs of one subject on all hosts, in the order in which they were read."""

    __slots__ = ("_latest", "_runs", "omitted")

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._latest: dict[str, Run] = {}
        """The run of each host that was read last."""
        self.omitted = 0

    def add(self, state: State, stamp: Stamp | None, place: Place, host: str, devices: Collection[Tally] = ()) -> None:
        """Note that a line reports this state; ``devices`` are those that it names."""
        run = self._latest.get(host)
        if run is None and len(self._latest) >= MOST_HOSTS and not self._forget_a_recovered_host():
            return
        if run and self._continues(run, state, stamp):
            run.last, run.last_place = stamp or run.last, place
        else:
            run = self._latest[host] = Run(state, stamp, stamp, place, place, host)
            self._runs.append(run)
            if len(self._runs) > MOST_RUNS + RUNS_OF_HOST * len(self._latest):
                self._omit_one()
        if state in CONNECTION:
            run.lost = True
            if len(run.devices) < MOST_DEVICES:
                run.devices.update(devices)
            if not devices or not run.devices.issuperset(devices):
                run.alone = True

    def passed(self) -> Passed:
        """Return the states by time; without times, or with those of several clocks, in the order of reading."""
        states: list[Run] = []
        down: set[str] = set()
        devices: set[Tally] = set()
        alone = False
        runs, by_time = self._in_order()
        for run in runs:
            if run.state == "recovered":
                down -= {run.host, ""} if run.host else set(down)
                if down:
                    continue
                devices.clear()
                alone = False
            if run.lost:
                down.add(run.host)
                devices |= run.devices
                alone = alone or run.alone
            if not states or not _absorbs(states[-1].state, run.state):
                states.append(run)
        return Passed(states, frozenset(down), frozenset(devices), alone, by_time)

    def _in_order(self) -> tuple[list[Run], bool]:
        """Return both ends of each run by time, and whether their times can be compared."""
        both_ends = [end for run in self._runs for end in (run, replace(run, first=run.last, place=run.last_place))]
        clocks = {run.first.clock if run.first else None for run in both_ends}
        if None in clocks or len(clocks) != 1:
            return both_ends, False
        return sorted(both_ends, key=lambda run: run.first.seconds if run.first else 0), True

    def _continues(self, run: Run, state: State, stamp: Stamp | None) -> bool:
        """Return whether a line belongs to a run of its host, because the host is still in the state of that run."""
        if stamp and run.last and stamp.clock == run.last.clock:
            return stamp.seconds >= run.last.seconds and _absorbs(run.state, state)
        return run is self._runs[-1] and _absorbs(run.state, state)

    def _omit_one(self) -> None:
        """Leave out the run in the middle that is not the latest of its host."""
        middle = len(self._runs) // 2
        at = next(at for at in range(middle, -1, -1) if self._latest.get(self._runs[at].host) is not self._runs[at])
        del self._runs[at]
        self.omitted += 1

    def _forget_a_recovered_host(self) -> bool:
        host = next((host for host, run in self._latest.items() if run.state == "recovered"), None)
        return host is not None and bool(self._latest.pop(host))


def _absorbs(state: State, following: State) -> bool:
    """Whether a subject in one state is still in it after a line that reports another."""
    if following == "recovered":
        return state not in CONNECTION
    if state == "recovered":
        return False
    return severity(following) <= severity(state)
