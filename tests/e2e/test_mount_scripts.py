"""The scripts of deploy/integration, run as cron runs them: with next to nothing in the environment."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import VM
from tests.peers.bacula import Bacula
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService

SCRIPTS = Path(__file__).parents[2] / "deploy" / "integration"
FILES = (
    *("generic/pre-command", "generic/post-command", "generic/renew-command", "generic/glue.sh"),
    *("tar/save-vm", "config/config.sh"),
)


class Host:
    """The host of a backup product: it has the scripts, and its own settings for them."""

    def __init__(self, service: RunningService, folder: Path) -> None:
        self.service = service
        self.mounts = Path(service.environment.get("VMKOPS_MOUNT_DIR") or service.data_dir / "mounts")
        self.logs = folder / "logs"
        self.folder = folder
        (folder / "token").write_text(f"{service.token}\n")
        (folder / "config").mkdir()
        config = (SCRIPTS / "config/config.sh").read_text()
        for old, new in (
            ("/var/lib/vmkops/mounts", str(self.mounts)),
            ("/var/log/vmkops", str(self.logs)),
            ("http://127.0.0.1:8080", service.url),
            ("/etc/vmkops/backup-token", str(folder / "token")),
            ("/opt/vmkops/bin", str(Path(sys.executable).parent)),
        ):
            assert old in config
            config = config.replace(old, new)
        (folder / "config" / "config.sh").write_text(config)

    def run(self, script: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a script with these words, and more in its environment."""
        environment = {"PATH": "/usr/bin:/bin", "VCBDIR": str(self.folder), **more}
        command = [str(SCRIPTS / script), *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)

    def mounted(self) -> list[str]:
        """The names of what is mounted."""
        return [each["name"] for each in self.service.call("GET", "/mounts")[1]["mounts"]]


@pytest.fixture
def host(service: RunningService, tmp_path: Path) -> Iterator[Host]:
    """Its service is left with nothing mounted."""
    (tmp_path / "host").mkdir()
    host = Host(service, tmp_path / "host")
    yield host
    assert host.mounted() == []


@pytest.mark.gives_back
def test_cron_job_saves_a_vm_with_tar(host: Host, vcenter: Vcsim, disk: Path, tmp_path: Path) -> None:
    saved = host.run("tar/save-vm", f"name:{VM}", str(tmp_path))

    assert (saved.returncode, saved.stdout, saved.stderr) == (0, "", "")
    (archive,) = tmp_path.glob("*.tar")
    assert archive.name.startswith(f"{VM}-")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "restored", filter="data")
    restored = tmp_path / "restored"
    subprocess.run(["sha256sum", "--check", next(restored.glob("*.mf")).name], cwd=restored, check=True)
    assert next(restored.glob("*.vmdk")).read_bytes() == disk.read_bytes()
    assert vcenter.snapshots() == {}
    assert "remove snapshot" in (host.logs / f"pre_{VM}.log").read_text()
    assert "Unmounted: " in (host.logs / f"post_{VM}.log").read_text()


@pytest.mark.gives_back
def test_lease_is_renewed_as_long_as_tar_reads(host: Host, tmp_path: Path) -> None:
    slow = tmp_path / "programs" / "tar"
    slow.parent.mkdir()
    renewed = f"grep -q 'stays until' {host.logs / f'pre_{VM}.log'}"
    slow.write_text(f'#!/bin/sh\nuntil {renewed}; do sleep 0.1; done\nexec /usr/bin/tar "$@"\n')
    slow.chmod(0o755)

    saved = host.run("tar/save-vm", VM, str(tmp_path), PATH=f"{slow.parent}:/usr/bin:/bin", RENEW_SECONDS="0.2")

    assert saved.returncode == 0, saved.stderr
    assert len(list(tmp_path.glob("*.tar"))) == 1


@pytest.mark.gives_back
def test_cron_job_that_cannot_save_unmounts_and_fails(host: Host, tmp_path: Path) -> None:
    saved = host.run("tar/save-vm", VM, str(tmp_path / "not-there"))

    assert saved.returncode != 0
    assert "not-there" in saved.stderr
    assert host.mounted() == []


@pytest.mark.gives_back
def test_pre_and_post_command_are_a_pair(host: Host, tmp_path: Path) -> None:
    moref = host.service.call("GET", f"/vms/{VM}")[1]["moref"]
    vmid, folder = f"moref:{moref}", f"moref_{moref}"

    before = host.run("generic/pre-command", vmid)
    twice = host.run("tar/save-vm", vmid, str(tmp_path))
    still = host.mounted()
    after = [host.run("generic/post-command", vmid).returncode for _ in range(2)]

    assert (before.returncode, before.stdout) == (0, f"{host.mounts / folder}\n")
    assert twice.returncode == 1
    assert "is mounted already" in twice.stderr
    assert still == [folder]  # what another run has mounted stays
    assert after == [0, 0]


@pytest.mark.gives_back
def test_bacula_saves_a_vm_and_restores_it(host: Host, vcenter: Vcsim, disk: Path, tmp_path: Path) -> None:
    program = require("bacula")
    jobs = (SCRIPTS / "bacula" / "web-01.conf").read_text()
    jobs = jobs.replace("/etc/vmkops/integration", str(SCRIPTS)).replace("/var/lib/vmkops/mounts", str(host.mounts))
    known, unknown = jobs.replace("web-01", VM), jobs.replace("web-01", "no-such-vm")
    (tmp_path / "bacula").mkdir()
    environment = {"VCBDIR": str(host.folder)}
    with Bacula(program.parents[2], tmp_path / "bacula", known + unknown, f"vm-{VM}", environment) as bacula:
        refused = bacula.run("vm-no-such-vm")
        saved = bacula.run(f"vm-{VM}")
        mounted = host.mounted()
        restored = bacula.restore(2) / str(host.mounts / VM).lstrip("/")

    assert "There is no VM" in refused
    assert "*** Backup Error ***" in refused
    assert f"ClientBeforeJob: {host.mounts / VM}" in saved
    assert "Termination:            Backup OK" in saved
    assert mounted == []
    assert vcenter.snapshots() == {}
    subprocess.run(["sha256sum", "--check", next(restored.glob("*.mf")).name], cwd=restored, check=True)
    assert next(restored.glob("*.vmdk")).read_bytes() == disk.read_bytes()


@pytest.mark.gives_back
@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ([], 2, "usage: pre-command VMID [TYPE [PATH...]]"),
        (["--help"], 2, "is not a VM"),
        (["../.."], 2, "is not a VM"),
        (["no-such-vm"], 1, "There is no VM"),
        ([VM, "image"], 2, "image is not possible. Choose one of: fullvm, file"),
    ],
)
def test_pre_command_says_what_is_wrong(host: Host, words: list[str], status: int, message: str) -> None:
    found = host.run("generic/pre-command", *words)

    assert (found.returncode, found.stdout) == (status, "")
    assert message in found.stderr


def test_shellcheck_finds_nothing_wrong() -> None:
    shellcheck = str(require("shellcheck"))
    command = [shellcheck, "--shell=sh", "--external-sources", *(str(SCRIPTS / each) for each in FILES)]
    checked = subprocess.run(command, cwd=SCRIPTS.parents[1], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
