"""`vmkops doctor`: a marked line for each setting and connection, and nothing changed."""

from __future__ import annotations

from pathlib import Path

from tests.running_service import RunningService
from tests.vmkops.terminal import run


def test_everything_good_is_marked_and_exits_0(tmp_path: Path) -> None:
    with RunningService(tmp_path / "data") as service:
        done = run(
            tmp_path,
            "doctor",
            VMKOPS_DATA_DIR=str(tmp_path / "data"),
            VMKOPS_SERVICE_URL=service.url,
            VMKOPS_TOKEN=service.token,
        )

    assert done.returncode == 0, done.stdout
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        [name, "ok:"] for name in ("settings", "data", "slack", "service")
    ]


def test_what_is_wrong_is_marked_with_what_to_do(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "doctor",
        VMKOPS_VCENTER_URL="vc.example.com",
        VMKOPS_VCENTRE_USER="me",
        SLACK_BOT_TOKEN="xoxb-1",
        VMKOPS_SERVICE_URL="http://127.0.0.1:9",
    )

    assert done.returncode == 1
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["settings", "failed:"],
        ["settings", "warning:"],
        ["slack", "failed:"],
        ["service", "failed:"],
    ]
    assert "Did you mean VMKOPS_VCENTER_USER?" in done.stdout
    assert "does not answer" in done.stdout


def test_folder_is_left_as_it_was(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor")

    assert "data       ok: the service will create data" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_data_directory_that_cannot_be_written_is_marked(tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()

    done = run(tmp_path, "doctor", VMKOPS_DATA_DIR="a-file/data")

    assert done.returncode == 1
    assert "data       failed: VMKOPS_DATA_DIR: a-file/data cannot be written" in done.stdout
