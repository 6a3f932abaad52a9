"""Plays one column of the table: all its rows at once, each on a VM or host of its own, and waits for their ends."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.faults.cases import GIVEN_UP, HELD, LASTING, PASSING, Row
from tests.peers.fetch import require
from tests.peers.person import signed_in
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

AT_ONCE = {"VMKOPS_MAX_JOBS": "40", "VMKOPS_MAX_COPIES": "40"}
CALL_SECONDS = "VMKOPS_VCENTER_SECONDS"
LEAST_SECONDS = "25"
"""What a call may take where it is never answered. Elsewhere, a held call must not be given up before all are held."""
ENOUGH_SECONDS = 300
"""Far more than any of this takes alone: two slow cores may be busy with other tests."""
FINAL = {"succeeded", "partial", "failed", "cancelled"}


@dataclass(frozen=True, kw_only=True)
class Part:
    """One row of a column under way: what it is about (a VM's or host's name), and what the action is asked with."""

    row: Row
    about: str
    params: Mapping[str, Any]


class Moment:
    """A moment of a step that is no call of ours to vCenter, and can be held all the same."""

    def hold(self, about: str) -> None:
        """Let the job stop there when it comes."""

    def reached(self, about: str) -> bool:
        """Whether the job has come there."""
        raise NotImplementedError

    def release(self) -> None:
        """Let all go on."""


@dataclass
class Stage:
    """A vCenter, a service, and somebody else who works in that vCenter."""

    vcsim: Vcsim
    service: RunningService
    person: Any
    moments: dict[str, Moment] = field(default_factory=dict)
    disk: bytes = b""
    """What is on each VM's disk."""

    def play(self, column: str, parts: Sequence[Part], *, one_by_one: bool = False) -> dict[str, dict[str, Any]]:
        """The jobs as they ended, by the names of their rows; those that name no VM and no host run one by one."""
        alone = [part for part in parts if part.row.unnamed or one_by_one]
        together = [part for part in parts if part not in alone]
        jobs: dict[str, dict[str, Any]] = {}
        try:
            for group in [together, *([part] for part in alone)] if together else [[part] for part in alone]:
                jobs |= self._play(column, group)
        finally:
            self._release()
        return jobs

    def _play(self, column: str, parts: Sequence[Part]) -> dict[str, dict[str, Any]]:
        seconds = LEAST_SECONDS if column in GIVEN_UP else str(ENOUGH_SECONDS)
        sweeps = {"VMKOPS_REAP_SECONDS": "1"} if column == "late" else {}
        self._let({CALL_SECONDS: seconds, **sweeps})
        for part in parts:
            self._arm(column, part)
        # The service ends a hook or a stalled download after a minute, so these begin once all others are held.
        last = [part for part in parts if column in HELD and part.row.call in self.moments]
        ids: dict[str, str] = {}
        for group in ([part for part in parts if part not in last], last):
            ids |= {part.row.name: self._begin(part) for part in group}
            if column in HELD:
                self._wait_until_held(group)
        if column in HELD:
            {"kill -9": self._kill, "SIGTERM": self._stop, "cancel": self._cancel}[column](parts, ids)
        jobs = {name: self.service.ended(job_id, timeout=ENOUGH_SECONDS) for name, job_id in ids.items()}
        assert column in HELD or self._all_acted(parts), self._untouched()
        self._release()
        wait_for(lambda: not self.vcsim.late(), timeout=ENOUGH_SECONDS, what="the calls that are carried out late")
        return jobs

    def _let(self, settings: Mapping[str, str]) -> None:
        """Give the service these settings, which takes a new start if that is a change."""
        if not settings.items() <= self.service.environment.items():
            self.service.kill(signal.SIGTERM)
            self.service.environment |= settings
            self.service.start()

    def _wait_until_held(self, parts: Sequence[Part]) -> None:
        wait_for(lambda: self._all_acted(parts), timeout=ENOUGH_SECONDS, what="every hold", explain=self._untouched)

    def _cancel(self, parts: Sequence[Part], ids: Mapping[str, str]) -> None:
        for job_id in ids.values():
            self.service.call("POST", f"/jobs/{job_id}/cancel")
        for part in parts:
            if part.row.stops:
                self.service.ended(ids[part.row.name], timeout=ENOUGH_SECONDS)
        self._release()

    def _kill(self, parts: Sequence[Part], ids: Mapping[str, str]) -> None:
        """Kill and start the service; the tasks end only when somebody waits for them, or needs them no more."""
        self.service.kill()
        for moment in self.moments.values():
            moment.release()
        tasks = [part for part in parts if part.row.is_task]
        for part in tasks:
            self.vcsim.fault("CreateFilter", object_name=part.about)  # does nothing, but counts
        self.service.start()

        def followed(part: Part) -> bool:
            ignored = any(rule["object_name"] == part.about for rule in self._untouched_rules())
            return not ignored or self.service.job(ids[part.row.name])["state"] in FINAL

        wait_for(lambda: all(map(followed, tasks)), timeout=ENOUGH_SECONDS, what="those who go on with the tasks")
        self._release()

    def _stop(self, parts: Sequence[Part], ids: Mapping[str, str]) -> None:
        os.kill(self.service.pid, signal.SIGTERM)
        self._release()  # a process that stops still receives the answer that it waits for
        wait_for(
            self.service.has_ended,
            timeout=ENOUGH_SECONDS,
            what="the end of the service",
            explain=self.service.log,
        )
        self.service.kill()
        self.service.start()

    def _arm(self, column: str, part: Part) -> None:
        row = part.row
        for method, fault in row.rules:
            name, done, _ = fault.partition(", done")
            how = {"as_task": True, "after": True} if done else {}
            self.vcsim.fault(method, name, object_name=part.about, **how)
        if row.call in self.moments:
            self.moments[row.call].hold(part.about)
            return
        how = {**LASTING, **PASSING}.get(column) or {"hold": "task" if row.is_task else "answer", "count": 1}
        if how.get("delay_ms") and row.is_task:
            how = {"task_delay_ms": how["delay_ms"], "count": 1}
        about = {} if row.unnamed else {"object_name": part.about}
        self.vcsim.fault(row.call, **about, **({"since": row.since} if row.since else {}), **how)

    def _begin(self, part: Part) -> str:
        status, job = self.service.call("POST", f"/actions/{part.row.action}", {"params": dict(part.params)})
        assert status == 202, (part.row.name, job)
        return str(job["id"])

    def _all_acted(self, parts: Sequence[Part]) -> bool:
        moments = all(
            self.moments[part.row.call].reached(part.about) for part in parts if part.row.call in self.moments
        )
        return moments and not self._untouched_rules()

    def _untouched_rules(self) -> list[dict[str, Any]]:
        return [rule for rule in self.vcsim.faults() if rule["acted"] == 0]

    def _untouched(self) -> str:
        rules = [(rule["method"], rule["object_name"], rule["since"]) for rule in self._untouched_rules()]
        return f"these did nothing: {rules}\n{self.service.log()[-3000:]}"

    def _release(self) -> None:
        self.vcsim.clear_faults()
        for moment in self.moments.values():
            moment.release()


@contextlib.contextmanager
def staged(flags: Sequence[str], data: Path, settings: Mapping[str, str] | None = None) -> Iterator[Stage]:
    """A fresh vCenter and a service that runs as many jobs at once as there are rows."""
    require("vcsim")
    with (
        Vcsim(flags) as vcsim,
        signed_in(vcsim) as person,
        RunningService(
            data, {**vcenter_settings(vcsim), **AT_ONCE, CALL_SECONDS: str(ENOUGH_SECONDS), **(settings or {})}
        ) as service,
    ):
        yield Stage(vcsim, service, person)


def hold_to_the_table(expected: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Every row has to end as the table says."""
    wrong = [f"{name}: {found[name]}, and the table says {end}" for name, end in expected.items() if found[name] != end]
    assert not wrong, "\n".join(wrong)
