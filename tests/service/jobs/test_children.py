"""A fleet starts no more jobs once the one who asked for it may not any more, or once its window has closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from service.actions._fleet_run import Fleet, FleetVm
from service.api.models import Check, JobState
from service.api.settings import Settings
from service.api.units import when
from service.backups.retention import series_of
from service.jobs import children
from service.jobs.action import Action, Context, Ended, JobControl, Params, Started, Target
from service.jobs.children import ChildJobs
from service.store.database import open_database
from service.store.tokens import Asker, Tokens
from service.vsphere.vcenters import VCenters

ANNA, BOB = "slack:U0ANNA", "slack:U0BOB"
PAST = timedelta(seconds=-1)


class Job:
    """Stands in for the engine's side of a running fleet: it shows nothing."""

    def __init__(self, of: ChildJobs) -> None:
        self.children = of

    def report(self, *_: object) -> None:
        pass

    say = report


@pytest.mark.parametrize(
    ("asker", "end", "why"),
    [
        ("token:nightly", lambda tokens: tokens.revoke("nightly"), "The token 'nightly' was revoked on"),
        ("token:nightly", lambda tokens: tokens.set_expiry("nightly", PAST), "The token 'nightly' expired on"),
        (ANNA, lambda tokens: tokens.allow_delegation("nightly", False), "'nightly' may no longer act for people"),
        (BOB, lambda tokens: None, "Slack user U0BOB may not start actions, because VMKOPS_SLACK_OPERATORS"),
    ],
)
@pytest.mark.parametrize("requested_by", ["", "schedule:often"])
async def test_rest_of_a_fleet_is_skipped_when_the_asker_may_not_any_more(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asker: str,
    end: Callable[[Tokens], None],
    why: str,
    requested_by: str,
) -> None:
    engine = open_database(Settings.model_validate({"VMKOPS_DATA_DIR": tmp_path}))
    tokens, nothing = Tokens(engine, frozenset({"U0ANNA"})), cast(Any, None)
    tokens.create("nightly", "operate", delegate=True)
    assert tokens.no_longer_may(Asker(ANNA, "nightly")) == tokens.no_longer_may(Asker("token:x", "lent")) == ""
    end(tokens)
    monkeypatch.setattr(children, "job_exists", lambda _: False)  # the engine does not run here
    own = ChildJobs(
        nothing,
        {},
        nothing,
        tokens,
        parent="p",
        requested_by=requested_by or asker,
        token="" if requested_by else "nightly",
        asker=Asker(asker, "nightly"),
    )
    fleet = Fleet(
        cast(Any, SimpleNamespace(vcenters=VCenters((), ()))),
        cast(Any, Job(own)),
        vms=[FleetVm("moref:vm-1", "web-01"), FleetVm("moref:vm-2", "web-02")],
        action="backup",
        params_for=lambda selector: {"vm": selector},
        closes=None,
        at_once=1,
        policy=None,
        series=series_of("fullvm"),
    )
    fleet.take(await fleet.move())
    engine.dispose()
    assert fleet.over
    skipped = fleet.report()["skipped"]
    assert [each["vm"] for each in skipped] == ["web-01", "web-02"]
    assert all(why in each["why"] for each in skipped)


class SlowAction(Action):
    """Its look at the VM ends when the window has closed, as that of a vCenter that answers slowly."""

    name = "slow"
    params = Params

    def __init__(self, closes: datetime, *refusals: Check) -> None:
        self._closes = closes
        self._refusals = refusals

    async def target(self, context: Context, params: Params) -> Target:
        await asyncio.sleep((self._closes - datetime.now(UTC)).total_seconds())
        return Target(key="vm-1", name="web-01", params={}, checks=self._refusals)

    async def run(self, context: Context, job: JobControl, params: Params) -> dict[str, Any]:
        raise NotImplementedError


class Engine:
    """Stands in for the engine: it notes what is submitted."""

    def __init__(self) -> None:
        self.submitted: list[str] = []

    async def live_for(self, *_: object) -> str | None:
        return None

    async def submit(self, action: Action, *_: object, **words: Any) -> Any:
        self.submitted.append(action.name)
        return SimpleNamespace(id=words["job_id"])


@pytest.mark.parametrize("refusals", [(), (Check(rule="window", severity="refuse", message="The window is over."),)])
async def test_job_whose_checks_outlast_the_window_does_not_start_and_its_vm_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: tuple[Check, ...]
) -> None:
    engine = open_database(Settings.model_validate({"VMKOPS_DATA_DIR": tmp_path}))
    tokens, jobs, nothing = Tokens(engine, frozenset()), Engine(), cast(Any, None)
    tokens.create("nightly", "operate")
    monkeypatch.setattr(children, "job_exists", lambda _: False)  # the engine does not run here
    closes = datetime.now(UTC) + timedelta(seconds=2)
    own = ChildJobs(
        cast(Any, jobs),
        {"slow": SlowAction(closes, *refusals)},
        nothing,
        tokens,
        parent="p",
        requested_by="token:nightly",
        token="nightly",
        asker=Asker("token:nightly", "nightly"),
    )
    fleet = Fleet(
        cast(Any, SimpleNamespace(vcenters=VCenters((), ()))),
        cast(Any, Job(own)),
        vms=[FleetVm("moref:vm-1", "web-01")],
        action="slow",
        params_for=lambda _: {},
        closes=closes,
        at_once=1,
        policy=None,
        series=series_of("fullvm"),
    )

    fleet.take(await fleet.move())

    engine.dispose()
    assert jobs.submitted == []
    assert fleet.over
    assert [each["why"] for each in fleet.report()["skipped"]] == [f"The window closed at {when(closes)}."]


class Late:
    """Stands in for the children of a fleet: each ends a minute after the window, partly done."""

    def __init__(self, closes: datetime) -> None:
        self._at = closes + timedelta(minutes=1)

    async def start(self, number: int, *_: object) -> Started:
        return Started(job=f"p-{number}")

    async def ended(self, jobs: Collection[str]) -> dict[str, Ended]:
        return {job: Ended(state=JobState.PARTIAL, why="A copy is missing.", at=self._at) for job in jobs}


async def test_job_that_ends_late_and_is_partly_done_is_both() -> None:
    closes = datetime.now(UTC) + timedelta(hours=1)
    fleet = Fleet(
        cast(Any, SimpleNamespace(vcenters=VCenters((), ()))),
        cast(Any, Job(cast(Any, Late(closes)))),
        vms=[FleetVm("moref:vm-1", "web-01")],
        action="backup",
        params_for=lambda _: {},
        closes=closes,
        at_once=1,
        policy=None,
        series=series_of("fullvm"),
    )

    while not fleet.over:
        fleet.take(await fleet.move())

    (late,) = fleet.report()["too_slow"]
    assert late["why"] == "Done, but 60 s after the window had closed. A copy is missing."
    assert fleet.partly
