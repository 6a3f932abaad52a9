"""Nobody but the user who runs vmkops can open what it writes to the data directory."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.actions import act
from tests.kept_packages import keep_package
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.peers.vcsim import Vcsim
from tests.running_service import VMKOPS, RunningService, vcenter_settings
from tests.vmkops.terminal import run

LISTING = "VMK_FAILURE 195887105 0xbad0001 EINVAL Failure\n"


def open_to_others(folder: Path) -> list[str]:
    """The files and folders that somebody else may read or change."""
    return [
        str(path) for path in [folder, *folder.rglob("*")] if path.lstat().st_mode & 0o066 and not path.is_symlink()
    ]


def test_data_of_a_service_and_its_backups_are_private(tmp_path: Path) -> None:
    require("vcsim")
    data = tmp_path / "data"
    with Vcsim() as vcenter, RunningService(data, vcenter_settings(vcenter)) as service:
        assert act(service, "backup", vm="DC0_H0_VM0")["state"] == "succeeded"

        assert open_to_others(data) == []
        assert {"jobs.sqlite", "vmkops.sqlite", "backups"} <= {each.name for each in data.iterdir()}


def test_data_of_an_earlier_version_is_private_after_the_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    keep_package(data / "backups", "a1", datetime(2026, 1, 1, tzinfo=UTC))
    assert open_to_others(data)

    with RunningService(data) as service:
        assert open_to_others(data) == []
        assert "that other users could open, and now cannot" in service.log()


def test_data_of_a_worker_is_private(tmp_path: Path) -> None:
    require("postgres")
    data = tmp_path / "data"
    with Postgres() as postgres:
        settings = {"VMKOPS_DATA_DIR": str(data), "VMKOPS_DATABASE_URL": postgres.url}
        with subprocess.Popen([VMKOPS, "worker"], env=settings, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "vmkops worker runs jobs\n"
            worker.terminate()

    assert data.exists()
    assert open_to_others(data) == []


@pytest.mark.parametrize(
    "words",
    [
        ("token", "create", "x", "--scope", "read", "--init"),
        ("vmkerr", "import", "codes.txt", "--release", "esxi-8.0u2"),
    ],
    ids=lambda words: words[0],
)
def test_data_of_an_offline_command_is_private(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "codes.txt").write_text(LISTING)

    done = run(tmp_path, *words)

    assert done.returncode == 0, done.stderr
    assert open_to_others(tmp_path / "data") == []
