"""An export from outside: a VM that is off becomes an OVF folder or an OVA, or nothing is left of the try."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.e2e.actions import act, begin, checked, details, refused
from tests.e2e.packages.conftest import Room
from tests.e2e.packages.making import package, put


def sums(folder: Path) -> None:
    """`sha256sum` agrees with the manifest."""
    manifest = next(folder.glob("*.mf"))
    subprocess.run(["sha256sum", "--check", "--strict", manifest.name], cwd=folder, capture_output=True, check=True)


def test_ovf_package_is_whole_and_comes_back_as_the_same_vm(room: Room, switched_off: str) -> None:
    job = act(room.service, "export-ovf", vm=switched_off)

    assert job["state"] == "succeeded", job["error"]
    result = job["result"]
    folder = Path(result["path"])
    sums(folder)
    assert {file["file"] for file in result["files"]} == {item.name for item in folder.iterdir()}
    for file in result["files"]:
        content = (folder / file["file"]).read_bytes()
        assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert room.vcenter.count("CreateSnapshot_Task") == 0
    assert {lease["state"] for lease in room.vcenter.leases()} == {"done"}
    status, lint = room.service.send("/ovf/lint", next(folder.glob("*.ovf")).read_bytes(), "text/xml")
    assert (status, lint["valid"]) == (200, True)

    back = act(room.service, "import-ovf", source=result["import_as"], name="back-from-ovf")

    assert back["state"] == "succeeded", back["error"]
    assert room.disks("back-from-ovf") == room.disks(switched_off)
    assert room.vcenter.vm("back-from-ovf")["power_state"] == "poweredOff"


def test_ova_is_one_ustar_archive_in_order_and_comes_back_as_the_same_vm(room: Room, switched_off: str) -> None:
    job = act(room.service, "export-ovf", vm=switched_off, format="ova")

    assert job["state"] == "succeeded", job["error"]
    (file,) = job["result"]["files"]
    ova = Path(job["result"]["path"]) / file["file"]
    assert [item.name for item in ova.parent.iterdir()] == [f"{switched_off}.ova"]
    content = ova.read_bytes()
    assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert content[257:265] == b"ustar\x0000"
    with tarfile.open(ova) as tar:
        assert tar.getnames() == [f"{switched_off}{end}" for end in (".ovf", ".mf", "-disk1.vmdk")]
    status, lint = room.service.send("/ovf/lint", content, "application/x-tar")
    assert status == 200
    assert [found["rule"] for found in lint["findings"] if found["severity"] != "info"] == []

    back = act(room.service, "import-ovf", source=job["result"]["import_as"], name="back-from-ova")

    assert back["state"] == "succeeded", back["error"]
    assert room.disks("back-from-ova") == room.disks(switched_off)


def test_vm_that_runs_is_refused_with_what_to_do_instead(room: Room) -> None:
    found = checked(room.service, "export-ovf", vm="DC0_H0_VM1")

    assert found["power"]["severity"] == "refuse"
    assert "`backup`" in found["power"]["message"]
    assert "poweredOn" in refused(room.service, "export-ovf", vm="DC0_H0_VM1")
    assert room.vcenter.count("ExportVm") == 0


def test_name_of_a_vm_cannot_lead_out_of_the_exports(room: Room, disk_bytes: bytes) -> None:
    put(room.inbox, package("climbing", {"climbing-disk1.vmdk": disk_bytes}))
    assert act(room.service, "import-ovf", source="climbing.ovf")["state"] == "succeeded"
    room.vcenter.change_vm("climbing", rename="..%2f..%2fetc")

    job = act(room.service, "export-ovf", vm="..%2f..%2fetc")

    assert job["state"] == "succeeded", job["error"]
    assert Path(job["result"]["path"]).parent.parent == room.service.data_dir / "exports"
    assert "cannot be a VM's name" in refused(room.service, "import-ovf", source=job["result"]["import_as"])


@pytest.mark.parametrize("step", ["copy", "descriptor"])
def test_cancelled_export_leaves_nothing(room: Room, switched_off: str, step: str) -> None:
    before = set((room.service.data_dir / "exports").glob("*/*"))
    if step == "copy":
        room.vcenter.nfc(bytes_per_second=1_000_000)
    else:
        room.vcenter.fault("CreateDescriptor", delay_ms=1500)
    job_id = begin(room.service, "export-ovf", vm=switched_off, format="ova")
    room.service.reading(job_id)

    room.service.call("POST", f"/jobs/{job_id}/cancel")

    assert room.service.ended(job_id)["state"] == "cancelled"
    assert set((room.service.data_dir / "exports").glob("*/*")) == before
    assert room.open_leases() == []


@pytest.mark.parametrize("method", ["ExportVm", "CreateDescriptor"])
def test_refusal_of_vcenter_leaves_nothing(room: Room, switched_off: str, method: str) -> None:
    room.vcenter.fault(method, "NoPermission")

    job = act(room.service, "export-ovf", vm=switched_off)

    assert job["state"] == "failed"
    assert "does not have the privilege" in job["error"]["detail"]
    assert room.left() == []
    assert room.open_leases() == []


def test_cut_download_is_read_again(room: Room, switched_off: str) -> None:
    room.vcenter.nfc(cut_after_bytes=1_000_000, count=1)

    job = act(room.service, "export-ovf", vm=switched_off)

    assert job["state"] == "succeeded", job["error"]
    assert [each["result"] for each in room.vcenter.transfers()[-2:]] == ["cut", "whole"]
    sums(Path(job["result"]["path"]))


def test_export_goes_on_disk_by_disk_after_a_kill(room: Room, disk_bytes: bytes) -> None:
    put(room.inbox, package("two", {"two-disk1.vmdk": disk_bytes, "two-disk2.vmdk": disk_bytes}))
    assert act(room.service, "import-ovf", source="two.ovf")["state"] == "succeeded"
    before = len(room.vcenter.transfers())
    room.vcenter.nfc(bytes_per_second=3_000_000)
    job_id = begin(room.service, "export-ovf", vm="two", format="ova")
    room.service.reading(job_id, len(disk_bytes) + 1)

    room.service.kill(signal.SIGKILL)
    room.vcenter.reset_nfc()
    room.service.start()

    job = room.service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    read = [each["name"] for each in room.vcenter.transfers()[before:]]
    assert read == ["disk-0.vmdk", "disk-1.vmdk", "disk-1.vmdk"]
    assert room.open_leases() == []
    assert room.left() == []
    with tarfile.open(Path(job["result"]["path"]) / "two.ova") as tar:
        entry = tar.extractfile("two-disk2.vmdk")
        assert entry is not None
        assert entry.read() == disk_bytes
    assert "disks to copy" in details(job)
