"""Exports from outside: a VM that is off becomes an OVF folder or an OVA, or nothing of it is left."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.e2e.actions import act, begin, checked, details, refused
from tests.e2e.packages.conftest import Lab
from tests.e2e.packages.ovf_builder import package, put


def sums(folder: Path) -> None:
    """`sha256sum` agrees with the manifest."""
    manifest = next(folder.glob("*.mf"))
    subprocess.run(["sha256sum", "--check", "--strict", manifest.name], cwd=folder, capture_output=True, check=True)


def test_ovf_package_is_complete_and_comes_back_as_the_same_vm(lab: Lab, switched_off: str) -> None:
    job = act(lab.service, "export-ovf", vm=switched_off)

    assert job["state"] == "succeeded", job["error"]
    result = job["result"]
    folder = Path(result["path"])
    sums(folder)
    assert {file["file"] for file in result["files"]} == {item.name for item in folder.iterdir()}
    for file in result["files"]:
        content = (folder / file["file"]).read_bytes()
        assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert lab.vcenter.count("CreateSnapshot_Task") == 0
    assert {lease["state"] for lease in lab.vcenter.leases()} == {"done"}
    status, lint = lab.service.send("/ovf/lint", next(folder.glob("*.ovf")).read_bytes(), "text/xml")
    assert (status, lint["valid"]) == (200, True)

    back = act(lab.service, "import-ovf", source=result["import_as"], name="back-from-ovf")

    assert back["state"] == "succeeded", back["error"]
    assert lab.disks("back-from-ovf") == lab.disks(switched_off)
    assert lab.vcenter.vm("back-from-ovf")["power_state"] == "poweredOff"


def test_ova_is_one_ustar_archive_in_order_and_comes_back_as_the_same_vm(lab: Lab, switched_off: str) -> None:
    job = act(lab.service, "export-ovf", vm=switched_off, format="ova")

    assert job["state"] == "succeeded", job["error"]
    (file,) = job["result"]["files"]
    ova = Path(job["result"]["path"]) / file["file"]
    assert [item.name for item in ova.parent.iterdir()] == [f"{switched_off}.ova"]
    content = ova.read_bytes()
    assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert content[257:265] == b"ustar\x0000"
    with tarfile.open(ova) as tar:
        assert tar.getnames() == [f"{switched_off}{end}" for end in (".ovf", ".mf", "-disk1.vmdk")]
    status, lint = lab.service.send("/ovf/lint", content, "application/x-tar")
    assert status == 200
    assert [found["rule"] for found in lint["findings"] if found["severity"] != "info"] == []

    back = act(lab.service, "import-ovf", source=job["result"]["import_as"], name="back-from-ova")

    assert back["state"] == "succeeded", back["error"]
    assert lab.disks("back-from-ova") == lab.disks(switched_off)


def test_vm_that_runs_is_refused_with_what_to_do_instead(lab: Lab) -> None:
    found = checked(lab.service, "export-ovf", vm="DC0_H0_VM1")

    assert found["power"]["severity"] == "refuse"
    assert "The action backup" in found["power"]["message"]
    assert "is powered on" in refused(lab.service, "export-ovf", vm="DC0_H0_VM1")
    assert lab.vcenter.count("ExportVm") == 0


def test_name_of_a_vm_cannot_lead_out_of_the_exports(lab: Lab, disk_bytes: bytes) -> None:
    put(lab.inbox, package("climbing", {"climbing-disk1.vmdk": disk_bytes}))
    assert act(lab.service, "import-ovf", source="climbing.ovf")["state"] == "succeeded"
    lab.vcenter.change_vm("climbing", rename="..%2f..%2fetc")

    job = act(lab.service, "export-ovf", vm="../../etc")

    assert job["state"] == "succeeded", job["error"]
    assert Path(job["result"]["path"]).parent.parent == lab.service.data_dir / "exports"
    assert "cannot be a VM's name" in refused(lab.service, "import-ovf", source=job["result"]["import_as"])


@pytest.mark.parametrize("step", ["copy", "descriptor"])
def test_cancelled_export_leaves_nothing(lab: Lab, switched_off: str, step: str) -> None:
    before = set((lab.service.data_dir / "exports").glob("*/*"))
    if step == "copy":
        lab.vcenter.nfc(bytes_per_second=1_000_000)
    else:
        lab.vcenter.fault("CreateDescriptor", hold="call")
    job_id = begin(lab.service, "export-ovf", vm=switched_off, format="ova")
    lab.service.reading(job_id)

    lab.service.call("POST", f"/jobs/{job_id}/cancel")
    lab.vcenter.clear_faults()

    assert lab.service.ended(job_id)["state"] == "cancelled"
    assert set((lab.service.data_dir / "exports").glob("*/*")) == before
    assert lab.open_leases() == []


@pytest.mark.parametrize("method", ["ExportVm", "CreateDescriptor"])
def test_refusal_of_vcenter_leaves_nothing(lab: Lab, switched_off: str, method: str) -> None:
    lab.vcenter.fault(method, "NoPermission")

    job = act(lab.service, "export-ovf", vm=switched_off)

    assert job["state"] == "failed"
    assert "does not have the privilege" in job["error"]["detail"]
    assert lab.left() == []
    assert lab.open_leases() == []


def test_cut_download_is_read_again(lab: Lab, switched_off: str) -> None:
    lab.vcenter.nfc(cut_after_bytes=1_000_000, count=1)

    job = act(lab.service, "export-ovf", vm=switched_off)

    assert job["state"] == "succeeded", job["error"]
    assert [each["result"] for each in lab.vcenter.transfers()[-2:]] == ["cut", "whole"]
    sums(Path(job["result"]["path"]))


def test_export_goes_on_disk_by_disk_after_a_kill(lab: Lab, disk_bytes: bytes) -> None:
    put(lab.inbox, package("two", {"two-disk1.vmdk": disk_bytes, "two-disk2.vmdk": disk_bytes}))
    assert act(lab.service, "import-ovf", source="two.ovf")["state"] == "succeeded"
    before = len(lab.vcenter.transfers())
    lab.vcenter.nfc(bytes_per_second=3_000_000)
    job_id = begin(lab.service, "export-ovf", vm="two", format="ova")
    lab.service.reading(job_id, len(disk_bytes) + 1)

    lab.service.kill(signal.SIGKILL)
    lab.vcenter.reset_nfc()
    lab.service.start()

    job = lab.service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    read = [each["name"] for each in lab.vcenter.transfers()[before:]]
    assert read == ["disk-0.vmdk", "disk-1.vmdk", "disk-1.vmdk"]
    assert lab.open_leases() == []
    assert lab.left() == []
    with tarfile.open(Path(job["result"]["path"]) / "two.ova") as tar:
        entry = tar.extractfile("two-disk2.vmdk")
        assert entry is not None
        assert entry.read() == disk_bytes
    assert "disks to copy" in details(job)
