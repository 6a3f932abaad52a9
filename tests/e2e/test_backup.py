"""A backup from outside: started over HTTP or on the command line, watched, and the package checked by other tools."""

from __future__ import annotations

import hashlib
import json
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import VM
from tests.peers.disks import read_vmdk
from tests.peers.fetch import require
from tests.peers.person import rename_snapshot
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService

STEPS = ["quiesce", "snapshot", "unquiesce", "mount", "back up", "unmount", "remove snapshot"]
OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"


def verify(package: Path) -> None:
    """The manifest names every other file, and `sha256sum` agrees with it."""
    manifest = next(package.glob("*.mf"))
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", manifest.name], cwd=package, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    listed = {line.partition("(")[2].partition(")")[0] for line in manifest.read_text().splitlines()}
    assert listed == {item.name for item in package.iterdir()} - {
        manifest.name,
        f"{manifest.name}.sig",
        "backup.json",
        "backup.json.sig",
        ".vmkops-mount",
    }


@pytest.mark.gives_back
def test_backup_over_http_makes_a_complete_ovf_package(service: RunningService, vcenter: Vcsim, disk: Path) -> None:
    job = service.ended(service.backup(VM)["id"])

    assert job["state"] == "succeeded", job
    assert [step["name"] for step in job["steps"]] == STEPS
    assert {step["state"] for step in job["steps"]} == {"succeeded"}
    assert all(step["started_at"] and step["finished_at"] for step in job["steps"])
    assert job["target"] == VM
    assert job["requested_by"] == "token:test"
    result: dict[str, Any] = job["result"]
    package = Path(result["package"])
    verify(package)
    assert result["consistency"] == "quiesced"
    copy = package / result["disks"][0]["file"]
    assert result["disks"][0]["sha256"] == hashlib.sha256(disk.read_bytes()).hexdigest()
    assert read_vmdk(copy) == read_vmdk(disk)
    envelope = ElementTree.parse(next(package.glob("*.ovf"))).getroot()
    assert envelope.tag == f"{OVF}Envelope"
    assert [file.get(f"{OVF}href") for file in envelope.iter(f"{OVF}File")] == [copy.name]


def test_backup_leaves_no_snapshot_and_no_lease(service: RunningService, vcenter: Vcsim) -> None:
    service.ended(service.backup(VM)["id"])

    assert vcenter.snapshots() == {}
    assert {lease["state"] for lease in vcenter.leases()} == {"done"}
    assert vcenter.count("CreateSnapshot_Task") == 1
    assert vcenter.count("RemoveAllSnapshots_Task") == 0


@pytest.mark.gives_back
def test_backup_on_the_command_line_is_watched_until_it_ends(service: RunningService) -> None:
    done = service.run("backup", VM, "--json")

    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert job["state"] == "succeeded"
    for step in STEPS:
        assert f"succeeded  {step}" in done.stderr
    verify(Path(job["result"]["package"]))


@pytest.mark.gives_back
def test_progress_shows_bytes_percent_rate_and_time_left(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.nfc(bytes_per_second=6_000_000)
    job_id = service.backup(VM)["id"]

    half_way = service.reading(job_id, 6_000_000)

    progress = half_way["progress"]
    assert half_way["state"] == "running"
    assert progress["unit"] == "bytes"
    assert 0 < progress["percent"] < 100
    assert progress["done"] < progress["total"]
    assert progress["rate"] > 0
    assert progress["eta_seconds"] > 0
    assert [step["state"] for step in half_way["steps"] if step["name"] == "back up"] == ["running"]
    vcenter.reset_nfc()
    assert service.ended(job_id)["state"] == "succeeded"


@pytest.mark.gives_back
def test_parameters_may_be_given_without_params(service: RunningService) -> None:
    status, job = service.call("POST", "/actions/backup", {"vm": VM, "quiesce": "none"})

    assert status == 202
    assert job["target"] == VM
    assert service.ended(job["id"])["result"]["consistency"] == "crash-consistent"


@pytest.mark.gives_back
def test_second_backup_of_a_vm_joins_the_first(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.nfc(bytes_per_second=6_000_000)
    first = service.backup(VM)
    second = service.backup(f"moref:{vcenter.vm(VM)['moref']}")

    assert second["id"] == first["id"]
    vcenter.reset_nfc()
    service.ended(first["id"])
    assert vcenter.count("CreateSnapshot_Task") == 1


@pytest.mark.gives_back
def test_idempotency_key_gives_the_same_job_even_after_it_ended(service: RunningService, vcenter: Vcsim) -> None:
    request = {"params": {"vm": VM}}
    _, first = service.call("POST", "/actions/backup", request, headers={"Idempotency-Key": "alert-1"})
    service.ended(first["id"])
    status, again = service.call("POST", "/actions/backup", request, headers={"Idempotency-Key": "alert-1"})

    assert status == 202
    assert again["id"] == first["id"]
    assert again["state"] == "succeeded"
    assert vcenter.count("CreateSnapshot_Task") == 1


def test_vm_without_tools_is_backed_up_crash_consistent_and_reported_so(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.change_vm(VM, tools_running_status="guestToolsNotRunning")

    job = service.ended(service.backup(VM)["id"])

    assert job["state"] == "succeeded"
    assert job["result"]["consistency"] == "crash-consistent"
    assert "crash-consistent" in job["steps"][0]["detail"]


def test_required_quiesce_without_tools_is_refused_before_any_snapshot(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, tools_running_status="guestToolsNotRunning")

    status, problem = service.call("POST", "/actions/backup", {"params": {"vm": VM, "quiesce": "require"}})

    assert status == 409
    assert "VMware Tools" in problem["detail"]
    assert vcenter.count("CreateSnapshot_Task") == 0


def test_snapshot_that_is_renamed_during_the_copy_is_removed(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.nfc(stall_after_bytes=1_000_000)
    job_id = service.backup(VM)["id"]
    service.reading(job_id)
    (ours,) = vcenter.snapshots()[VM]
    rename_snapshot(vcenter, ours["moref"], "backup of tonight")

    vcenter.reset_nfc()
    job = service.ended(job_id)

    assert job["state"] == "succeeded", job
    assert vcenter.snapshots() == {}


def test_descriptor_describes_the_vm_as_it_was_in_the_snapshot(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.nfc(stall_after_bytes=1_000_000)
    job_id = service.backup(VM)["id"]
    service.reading(job_id)
    vcenter.change_vm(VM, properties={"config.hardware.numCPU": 16})

    vcenter.reset_nfc()
    package = Path(service.ended(job_id)["result"]["package"])

    assert "<rasd:ElementName>1 virtual CPU(s)</rasd:ElementName>" in next(package.glob("*.ovf")).read_text()


@pytest.mark.parametrize("fault", ["GenericVmConfigFault", "ApplicationQuiesceFault", "Timedout", "SystemError"])
def test_preferred_quiescing_that_fails_is_followed_by_a_snapshot_without_it(
    service: RunningService, vcenter: Vcsim, fault: str
) -> None:
    vcenter.change_vm(VM, quiesce_fault=fault)

    job = service.ended(service.backup(VM)["id"])

    assert job["state"] == "succeeded", job
    assert job["result"]["consistency"] == "crash-consistent"
    assert "quiescing failed" in job["steps"][1]["detail"]
    assert vcenter.count("CreateSnapshot_Task") == 2


@pytest.mark.parametrize(("fault", "error"), [("NoDiskSpace", "no free space"), ("NoPermission", "privilege")])
def test_lack_of_space_or_permission_is_not_tried_again_without_quiescing(
    service: RunningService, vcenter: Vcsim, fault: str, error: str
) -> None:
    vcenter.change_vm(VM, quiesce_fault=fault)

    job = service.ended(service.backup(VM)["id"])

    assert job["state"] == "failed"
    assert error in job["error"]["detail"]
    assert vcenter.count("CreateSnapshot_Task") == 1


def test_download_that_is_cut_once_is_repeated_from_the_beginning(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.nfc(cut_after_bytes=5_000_000, count=1)

    job = service.ended(service.backup(VM)["id"])

    assert job["state"] == "succeeded"
    verify(Path(job["result"]["package"]))
    assert [transfer["result"] for transfer in vcenter.transfers()] == ["cut", "whole"]


def test_download_that_is_always_cut_fails_the_job_and_leaves_nothing(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.nfc(cut_after_bytes=5_000_000)

    job = service.ended(service.backup(VM)["id"])

    assert job["state"] == "failed"
    assert "was interrupted" in job["error"]["detail"]
    assert vcenter.snapshots() == {}
    assert {lease["state"] for lease in vcenter.leases()} == {"aborted"}
    assert not list(service.data_dir.rglob("*.vmdk"))


@pytest.mark.gives_back
def test_what_is_no_vmdk_fails_the_backup_at_once_and_leaves_nothing(
    service: RunningService, vcenter: Vcsim, disk: Path, tmp_path: Path
) -> None:
    """A proxy that answers with a page of its own, for example, is no disk."""
    path = vcenter.vm("DC0_C0_RP0_VM1")["disks"][0]["path"]
    page = tmp_path / "page.html"
    page.write_text("<html>Log in to the proxy</html>")
    vcenter.put_disk(path, page)

    job = service.ended(service.backup("DC0_C0_RP0_VM1")["id"])

    vcenter.put_disk(path, disk)
    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:disk-refused"
    assert "is not a VMDK" in job["error"]["detail"]
    assert [each["result"] for each in vcenter.transfers() if each["size"] == page.stat().st_size] == ["whole"]
    assert not list(Path(service.data_dir, "backups").rglob("*RP0_VM1*"))
    assert vcenter.snapshots() == {}


def test_cancelled_backup_cleans_up(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.nfc(bytes_per_second=2_000_000)
    job_id = service.backup(VM)["id"]
    service.reading(job_id)

    status, _ = service.call("POST", f"/jobs/{job_id}/cancel")

    job = service.ended(job_id)
    assert status == 200
    assert job["state"] == "cancelled"
    assert "token:test" in job["error"]["detail"]
    assert vcenter.snapshots() == {}
    assert not list(service.data_dir.rglob("*.vmdk"))
    assert service.call("POST", f"/jobs/{job_id}/cancel")[0] == 409


@pytest.mark.gives_back
def test_events_stream_every_change_until_the_end(service: RunningService) -> None:
    curl = str(require("curl"))
    job_id = service.backup(VM)["id"]

    stream = subprocess.run(
        [curl, "-sN", "--max-time", "30", "-H", f"Authorization: Bearer {service.token}",
         f"{service.url}/jobs/{job_id}/events"], capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]
    assert events[-1]["state"] == "succeeded"
    assert {event["id"] for event in events} == {job_id}
