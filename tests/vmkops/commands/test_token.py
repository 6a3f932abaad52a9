"""`vmkops token create` makes tokens of a service that is there, and never a data directory of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running_service import RunningService
from tests.vmkops.terminal import run, run_forked

CREATE = ("token", "create", "x", "--scope", "read")


@pytest.mark.parametrize("folder", ["data", "elsewhere"])
def test_token_without_a_service_is_refused_with_the_directory_and_what_to_do(tmp_path: Path, folder: str) -> None:
    (tmp_path / "elsewhere").mkdir()

    done = run_forked(tmp_path, *CREATE, VMKOPS_DATA_DIR=folder)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"the data directory {tmp_path / folder} " in done.stderr
    assert "--init" in done.stderr
    assert [*tmp_path.iterdir()] == [tmp_path / "elsewhere"]
    assert [*(tmp_path / "elsewhere").iterdir()] == []


def test_token_for_a_service_that_is_not_started_yet_is_good(tmp_path: Path) -> None:
    done = run(tmp_path, *CREATE, "--init")

    assert done.returncode == 0, done.stderr
    with RunningService(tmp_path / "data") as service:
        assert service.call("GET", "/runs", token=done.stdout.strip())[0] == 200


@pytest.mark.parametrize(
    "words",
    [
        "vmkerr 0xbad0022",
        "decode log",
        "kb list",
        "kb snapshot",
        "kb check",
        "doctor",
        "jobs",
        "iscsi validate x",
        "bot",
    ],
)
def test_command_that_only_reads_makes_no_files(tmp_path: Path, words: str) -> None:
    (tmp_path / "log").write_text("0xbad0022")

    run(tmp_path, *words.split(), VMKOPS_SERVICE_URL="http://127.0.0.1:9")

    assert [*tmp_path.iterdir()] == [tmp_path / "log"]
