"""`vmkops serve` and `vmkops worker` end with a plain message when something keeps them from starting."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.running_service import RunningService
from tests.vmkops.terminal import run, run_forked


@pytest.mark.parametrize(
    ("command", "data_dir"),
    [("serve", "a-file"), ("serve", "a-file/data"), ("token create x --scope read --init", "a-file/data")],
)
def test_data_directory_that_cannot_be_written_is_named(tmp_path: Path, command: str, data_dir: str) -> None:
    (tmp_path / "a-file").touch()

    done = run_forked(tmp_path, *command.split(), VMKOPS_DATA_DIR=data_dir)

    assert done.returncode == 2
    assert f"VMKOPS_DATA_DIR: {data_dir} cannot be written" in done.stderr


def test_data_directory_of_another_process_is_left_alone(tmp_path: Path) -> None:
    with RunningService(tmp_path / "data"):
        done = run(tmp_path, "serve", "--port", "0", VMKOPS_DATA_DIR=str(tmp_path / "data"))

    assert done.returncode == 2
    assert f"Another vmkops uses {tmp_path / 'data'}" in done.stderr


def test_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_forked(tmp_path, "serve", "--port", str(port))

    assert done.returncode == 2
    assert f"vmkops serve: 127.0.0.1:{port} is in use by another program" in done.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_host_that_is_not_ours_is_named(tmp_path: Path, host: str) -> None:
    done = run_forked(tmp_path, "serve", "--host", host, "--port", "0")

    assert done.returncode == 2
    assert f"vmkops serve: {host} is not an address of this machine. Choose another --host" in done.stderr


@pytest.mark.parametrize(("command", "port"), [("serve", "99999"), ("serve", "http"), ("bot", "-1")])
def test_port_that_cannot_be_is_wrong_usage(tmp_path: Path, command: str, port: str) -> None:
    done = run(tmp_path, command, f"--port={port}")

    assert done.returncode == 2
    assert "choose a number from 0 to 65535" in done.stderr


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_database_that_does_not_answer_is_named(tmp_path: Path, command: str) -> None:
    done = run_forked(tmp_path, command, VMKOPS_DATABASE_URL="postgresql://me:s3cret@127.0.0.1:9/vmkops")

    assert done.returncode == 2
    assert f"vmkops {command}: The database of VMKOPS_DATABASE_URL does not answer" in done.stderr
    assert "s3cret" not in done.stderr


def test_database_url_that_is_not_one_is_named(tmp_path: Path) -> None:
    done = run_forked(tmp_path, "serve", VMKOPS_DATABASE_URL="postgresql://me:s3cret@host:port/vmkops")

    assert done.returncode == 2
    assert "VMKOPS_DATABASE_URL: is not the URL of a database" in done.stderr
    assert "s3cret" not in done.stderr


def test_incomplete_vcenter_stops_the_start(tmp_path: Path) -> None:
    done = run_forked(tmp_path, "serve", VMKOPS_VCENTER_URL="vc.example.com")

    assert done.returncode == 2
    assert "incomplete; missing: VMKOPS_VCENTER_USER, VMKOPS_VCENTER_PASSWORD." in done.stderr


def test_unknown_log_level_is_named(tmp_path: Path) -> None:
    done = run_forked(tmp_path, "serve", VMKOPS_LOG_LEVEL="loud")

    assert done.returncode == 2
    assert done.stderr.startswith("vmkops serve: VMKOPS_LOG_LEVEL: ")


def test_worker_needs_postgres(tmp_path: Path) -> None:
    done = run(tmp_path, "worker")

    assert done.returncode == 2
    assert done.stderr.startswith("vmkops worker: VMKOPS_DATABASE_URL: is missing.")
