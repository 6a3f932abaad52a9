"""Every vCenter call of a backup x what can go wrong with it.

Whatever happens, the job ends in the right state with words that say why, no snapshot of ours stays untold, the
snapshot that a person took is untouched, no lease stays open, and a package is whole or not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import VM
from tests.e2e.test_backup import verify
from tests.peers.fetch import require
from tests.peers.person import take_snapshot
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

THEIRS = "before the upgrade"

CALLS = [
    "RetrievePropertiesEx",
    "CreateSnapshot_Task",
    "ExportSnapshot",
    "WaitForUpdatesEx",
    "CreateDescriptor",
    "HttpNfcLeaseComplete",
    "RemoveSnapshot_Task",
]
PASSING: dict[str, dict[str, Any]] = {
    "session lost": {"fault": "NotAuthenticated", "count": 1},
    "answer lost": {"lose_answer": True, "count": 1},
    "answered 503": {"http_status": 503, "count": 1},
    "slow": {"delay_ms": 1500, "count": 1},
}
REFUSED = {
    "CreateSnapshot_Task": "failed",
    "ExportSnapshot": "failed",
    "CreateDescriptor": "failed",
    "HttpNfcLeaseComplete": "succeeded",
    "RemoveSnapshot_Task": "failed",
}


@pytest.fixture(scope="module")
def room(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Vcsim, RunningService]]:
    """A vCenter with a person's snapshot on the VM, and a service; both serve all the cases."""
    require("vcsim")
    with Vcsim() as vcsim:
        vcsim.put_disk(vcsim.vm(VM)["disks"][0]["path"], disk)
        take_snapshot(vcsim, VM, THEIRS)
        with RunningService(tmp_path_factory.mktemp("data"), vcenter_settings(vcsim)) as service:
            yield vcsim, service


@pytest.fixture
def healed(room: tuple[Vcsim, RunningService]) -> Iterator[tuple[Vcsim, RunningService]]:
    """The room with all faults of the last case gone, and its snapshot too."""
    vcsim, _ = room
    vcsim.reset_calls()
    yield room
    vcsim.clear_faults()
    vcsim.reset_nfc()


def ours(vcsim: Vcsim) -> list[str]:
    """The names of all snapshots of the VM but the person's."""
    waiting, found = list(vcsim.snapshots().get(VM, [])), []
    while waiting:
        node = waiting.pop()
        waiting += node["children"]
        found.append(node["name"])
    assert THEIRS in found, "the person's snapshot is gone"
    return [name for name in found if name != THEIRS]


def holds(room: tuple[Vcsim, RunningService], job: dict[str, Any], state: str) -> None:
    _, service = room
    assert job["state"] == state, job
    if state == "succeeded":
        verify(Path(job["result"]["package"]))
    else:
        assert job["error"]["detail"]
        assert not list((service.data_dir / "backups").glob(f"*/{job['id']}*"))


def leases_left(vcsim: Vcsim, before: int) -> int:
    """How many of the leases since then are still open."""
    return sum(lease["state"] not in {"done", "aborted", "error"} for lease in vcsim.leases()[before:])


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("what", PASSING)
def test_trouble_that_passes_costs_nothing(healed: tuple[Vcsim, RunningService], method: str, what: str) -> None:
    vcsim, service = healed
    before = len(vcsim.leases())
    job_id = service.backup(VM)["id"] if method == "RetrievePropertiesEx" else ""
    vcsim.fault(method, **PASSING[what])

    job = service.ended(job_id or service.backup(VM)["id"])

    vcsim.clear_faults()
    holds(healed, job, "succeeded")
    assert ours(vcsim) == []
    # A lease whose very answer was lost is known to nobody, and ends by itself after five minutes.
    unknown = method == "ExportSnapshot" and what == "answer lost"
    assert leases_left(vcsim, before) == (1 if unknown else 0)
    if method != "CreateSnapshot_Task" or what == "answer lost":
        assert vcsim.count("CreateSnapshot_Task") == 1


@pytest.mark.parametrize("method", REFUSED)
def test_refusal_that_stays_ends_the_job_in_the_right_state(healed: tuple[Vcsim, RunningService], method: str) -> None:
    vcsim, service = healed
    vcsim.fault(method, "NoPermission")

    job = service.ended(service.backup(VM)["id"])

    holds_package = method == "RemoveSnapshot_Task"
    assert job["state"] == REFUSED[method], job
    if method == "RemoveSnapshot_Task":
        assert job["error"]["type"] == "urn:vmkops:snapshot-left"
        assert ours(vcsim) == [f"vmkops {job['id']}"]
        vcsim.clear_faults()
        remove_left(service, vcsim)
    else:
        assert ours(vcsim) == []
        vcsim.clear_faults()
    assert bool(list((service.data_dir / "backups").glob(f"*/{job['id']}"))) == (
        holds_package or REFUSED[method] == "succeeded"
    )


@pytest.mark.parametrize("fault", ["SnapshotFault", "ApplicationQuiesceFault"])
def test_task_that_fails_after_the_call_was_taken(healed: tuple[Vcsim, RunningService], fault: str) -> None:
    vcsim, service = healed
    vcsim.fault("CreateSnapshot_Task", fault, as_task=True, count=1)

    job = service.ended(service.backup(VM)["id"])

    # The first try was quiesced; the second is not, and says so.
    assert job["state"] == "succeeded"
    assert job["result"]["consistency"] == "crash-consistent"
    assert ours(vcsim) == []


@pytest.mark.parametrize("settings", [{"stall_after_bytes": 3_000_000}, {"bytes_per_second": 500_000}])
def test_stalled_copy_can_be_cancelled(healed: tuple[Vcsim, RunningService], settings: dict[str, int]) -> None:
    vcsim, service = healed
    before = len(vcsim.leases())
    vcsim.nfc(**settings)
    job_id = service.backup(VM)["id"]
    service.reading(job_id)

    service.call("POST", f"/jobs/{job_id}/cancel")

    job = service.ended(job_id)
    vcsim.reset_nfc()
    holds(healed, job, "cancelled")
    assert ours(vcsim) == []
    assert leases_left(vcsim, before) == 0


def remove_left(service: RunningService, vcsim: Vcsim) -> None:
    """Let the sweep of a new start take up what the last case left."""
    service.kill()
    service.start()
    while ours(vcsim):
        service.call("GET", "/readyz")


def test_page_of_faults_lists_what_is_tested() -> None:
    lines = Path("docs/faults.md").read_text().splitlines()

    head = next(line for line in lines if line.startswith("| call to vCenter"))
    assert [cell.strip() for cell in head.strip("|").split("|")][1:-1] == list(PASSING)
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    assert [row[0] for row in rows if row[0] in CALLS] == CALLS
    assert {row[0]: row[-1] for row in rows if row[-1] and row[0] in CALLS} == REFUSED
