"""A package of another program that is adopted while the service runs is verified and restored like any backup."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.actions import act
from tests.e2e.packages.conftest import Lab
from tests.e2e.packages.ovf_builder import archive, package, put


def test_adopted_package_is_listed_verified_and_restored(lab: Lab, disk_bytes: bytes, tmp_path: Path) -> None:
    put(tmp_path, {"old.ova": archive(package("of-ovftool", {"d.vmdk": disk_bytes}, algorithm="sha1"))})

    done = lab.service.run("backups", "adopt", str(tmp_path), "--json")

    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["packages"]
    _, kept = lab.service.call("GET", f"/backups/{found['id']}")
    assert (kept["state"], kept["vm"]["name"], kept["size"]) == ("unverified", "of-ovftool", len(disk_bytes))
    assert act(lab.service, "verify-backup", backup=found["id"])["state"] == "succeeded"
    job = act(lab.service, "restore", backup="newest:of-ovftool", name="from-ovftool")
    assert job["state"] == "succeeded", job
    assert lab.disks("from-ovftool") == [disk_bytes]
