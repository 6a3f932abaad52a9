"""virt-v2v, a reader of OVF packages that others made, accepts what vmkops keeps, and sees the same VM in it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.actions import act
from tests.e2e.conftest import VM
from tests.peers.fetch import require
from tests.running_service import RunningService


def read(package: Path) -> subprocess.CompletedProcess[str]:
    """What virt-v2v says of a package; it reads the descriptor, checks the manifest and opens the disks."""
    command = [str(require("virt-v2v")), "-i", "ova", str(package), "--print-source"]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


@pytest.mark.gives_back
def test_virt_v2v_reads_what_backup_and_mount_write(service: RunningService, tmp_path: Path) -> None:
    kept = Path(act(service, "backup", vm=VM)["result"]["package"])
    mounted = Path(act(service, "mount", vm=VM, dest="web")["result"]["folder"])
    damaged = tmp_path / "damaged"
    shutil.copytree(mounted, damaged)
    with next(damaged.glob("*.vmdk")).open("r+b") as disk:
        disk.seek(5000)
        disk.write(b"changed")

    found = [read(folder) for folder in (kept, mounted)]
    refused = read(damaged)
    service.call("DELETE", "/mounts/web")

    for each in found:
        assert each.returncode == 0, each.stdout + each.stderr
        words = [line.strip() for line in each.stdout.splitlines()]
        assert f"source name: {VM}" in words
        assert "hypervisor type: vmware" in words
        assert "memory: 33554432 (bytes)" in words
        assert "0 [scsi]" in words
        assert any(line.startswith('Bridge "DC0_DVPG0"') for line in words)
    assert refused.returncode != 0
    assert "checksum" in refused.stderr
