"""The pre-flight of a snapshot that is kept takes one call, and finds what the calls for its parts find."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from service.vsphere import tasks
from service.vsphere.preflight import preflight, read_before_snapshot
from service.vsphere.session import Instance, Session
from service.vsphere.vms import read_state
from tests.peers.vcsim import Vcsim
from tests.service.vsphere.test_session import session as session  # a fixture
from tests.service.vsphere.test_session import snapshot_of


async def test_one_call_finds_the_state_and_the_findings(session: Session, vcsim: Vcsim) -> None:
    vm = vcsim.vms()[-1]["moref"]
    await snapshot_of(session, vm)

    found = await read_before_snapshot(session, vm)

    assert [each.rule for each in found.findings] == ["snapshots"]
    assert found.findings == tuple((await preflight(session, vm, kept=True)).checks)
    state = await read_state(session, vm)
    assert state.snapshots
    assert found.model_dump() == state.model_dump() | {"at": ""}


async def test_task_that_vcenter_forgets_meanwhile_changes_nothing(
    session: Session, vcsim: Vcsim, monkeypatch: pytest.MonkeyPatch
) -> None:
    vm, read_related = vcsim.vms()[-1]["moref"], tasks.read_related
    before = await read_before_snapshot(session, vm)

    def gone(instance: Instance, managed: Any, names: list[str], related: dict[str, Any]) -> Any:
        if tasks.RECENT in related:
            raise vmodl.fault.ManagedObjectNotFound(obj=vim.Task("task-0"))
        return read_related(instance, managed, names, related)

    monkeypatch.setattr(tasks, "read_related", gone)

    assert await read_before_snapshot(session, vm) == before
