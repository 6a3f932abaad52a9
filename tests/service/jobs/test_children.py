"""A fleet starts no more jobs once the token of the one who asked for it has ended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from service.actions._fleet_run import Fleet, FleetVm
from service.api.settings import Settings
from service.jobs import children
from service.jobs.children import ChildJobs
from service.store.database import open_database
from service.store.tokens import Tokens


class Job:
    """Stands in for the engine's side of a running fleet: it shows nothing."""

    def __init__(self, of: ChildJobs) -> None:
        self.children = of

    def report(self, *_: object) -> None:
        pass

    say = report


@pytest.mark.parametrize(("ended", "why"), [("revoked", "was revoked on"), ("expired", "expired on")])
async def test_rest_of_a_fleet_is_skipped_when_the_token_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: str, why: str
) -> None:
    engine = open_database(Settings.model_validate({"VMKOPS_DATA_DIR": tmp_path}))
    tokens, nothing = Tokens(engine, frozenset()), cast(Any, None)
    tokens.create("nightly", "operate")
    if ended == "revoked":
        tokens.revoke("nightly")
    else:
        tokens.set_expiry("nightly", timedelta(seconds=-1))
    monkeypatch.setattr(children, "job_exists", lambda _: False)  # the engine does not run here
    own = ChildJobs(nothing, {}, nothing, tokens, parent="p", requested_by="token:nightly", token="nightly")
    fleet = Fleet(
        nothing,
        cast(Any, Job(own)),
        vms=[FleetVm("moref:vm-1", "web-01"), FleetVm("moref:vm-2", "web-02")],
        action="backup",
        params_for=lambda selector: {"vm": selector},
        closes=None,
        at_once=1,
        policy=None,
    )
    fleet.take(await fleet.move())
    engine.dispose()
    assert fleet.over
    skipped = fleet.report()["skipped"]
    assert [each["vm"] for each in skipped] == ["web-01", "web-02"]
    assert all(f"The token 'nightly' {why}" in each["why"] for each in skipped)
