"""A snapshot that vCenter takes late is removed only when its job did not ask for it, or has another one."""

from __future__ import annotations

from typing import Any

import pytest

from service.api.models import Job, JobState
from service.backups.late import is_second, is_unasked
from service.store.snapshot_ledger import LedgerRow
from service.vsphere.inventory import Vm
from service.vsphere.snapshots import Snapshot

JOB = "0123456789abcdef"
RESULT = {"name": f"vmkops {JOB}", "snapshot": "snapshot-1"}
OURS = "Requested by shell:anna; kept until it is removed."


def job(**changes: Any) -> Job:
    known = {"action": "snapshot-create", "state": JobState.SUCCEEDED, "params": {"vm": "lab/moref:vm-1"}}
    return Job(**{"id": JOB, "target": "web", "result": RESULT, **known, **changes})


def snapshot(moref: str, description: str = OURS) -> Snapshot:
    return Snapshot(
        moref=moref,
        name=f"vmkops {JOB}",
        description=description,
        quiesced=False,
        created_at="2026-01-01T00:00:00Z",
        depth=1,
    )


FIRST = snapshot("snapshot-1")
VM = Vm(vcenter="lab", moref="vm-1", name="web", power_state="poweredOn", snapshots=(FIRST,))


@pytest.mark.parametrize(
    ("found", "made_by", "unasked"),
    [
        (snapshot("snapshot-2"), job(), True),
        (snapshot("snapshot-1"), job(state=JobState.CANCELLED, result=None), True),
        (snapshot("snapshot-1"), job(), False),
        (snapshot("snapshot-2"), job(state=JobState.RUNNING), False),
        (snapshot("snapshot-2"), job(state=JobState.FAILED, result=None), False),
        (snapshot("snapshot-2"), job(action="backup"), False),
        (snapshot("snapshot-2"), job(params={"vm": "lab/moref:vm-2"}), False),
        (snapshot("snapshot-2", "mine"), job(), False),
        (snapshot("snapshot-2"), job(result={**RESULT, "snapshot": "snapshot-9"}), False),  # a VM registered anew
    ],
)
def test_snapshot_that_nobody_asked_for(found: Snapshot, made_by: Job, unasked: bool) -> None:
    assert is_unasked(VM, found, made_by) is unasked


def row(**changes: Any) -> LedgerRow:
    known = {"job": JOB, "vcenter": "lab", "vm": "vm-1", "vm_name": "web", "nonce": "n0", "moref": "snapshot-1"}
    more = {"created_at": "", "gone_at": None, "removed_at": "2026-01-01", "trouble": "", "failures": 0, "next_at": ""}
    return LedgerRow(**{**known, **more, **changes})


@pytest.mark.parametrize(
    ("kept", "found", "second"),
    [
        (row(), snapshot("snapshot-2", "before the swap [n0]"), True),
        (row(), snapshot("snapshot-1", "before the swap [n0]"), False),
        (row(), snapshot("snapshot-2", "of somebody else"), False),
        (row(vm="vm-2"), snapshot("snapshot-2", "before the swap [n0]"), False),
        (row(vcenter="prod"), snapshot("snapshot-2", "before the swap [n0]"), False),
        (row(moref="snapshot-9"), snapshot("snapshot-2", "before the swap [n0]"), False),
    ],
)
def test_snapshot_to_go_back_to_is_removed_only_beside_the_kept_one(
    kept: LedgerRow, found: Snapshot, second: bool
) -> None:
    assert is_second(VM, found, kept) is second
