"""`vmkops doctor`: a marked line for each setting and connection, and nothing changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from service.files import readers
from service.files.readers import missing_libraries
from service.workers import landlock
from tests.running_service import RunningService
from tests.vmkops.terminal import PLAIN, run, run_forked
from vmkops.commands import _console, doctor
from vmkops.commands._service import Chosen


def lines(printed: str) -> list[str]:
    """The lines of doctor but for those about the Python that runs the tests, which may have known holes."""
    return [line for line in printed.splitlines() if not line.startswith("python ")]


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
    assert [line.split()[:2] for line in lines(done.stdout)] == [
        ["settings", "ok:"],
        ["data", "ok:"],
        ["vcenter", "-:"],
        ["files", "ok:" if landlock.version() and not missing_libraries() else "-:"],
        ["slack", "-:"],
        ["service", "ok:"],
    ]


def test_token_of_a_login_is_tried_and_none_is_told_with_the_way_to_one(tmp_path: Path) -> None:
    with RunningService(tmp_path / "data") as service:
        own = {
            "VMKOPS_DATA_DIR": str(tmp_path / "data"),
            "VMKOPS_SERVICE_URL": service.url,
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
        }
        without = run_forked(tmp_path, "doctor", **own)
        kept = run(tmp_path, "login", stdin=f"{service.token}\n", **own)
        signed_in = run_forked(tmp_path, "doctor", **own)

    assert f"service    -: answers at {service.url}. " in without.stdout, without
    assert f"`vmkops login {service.url}`" in without.stdout
    assert kept.returncode == 0, kept.stderr
    assert f"service    ok: answers at {service.url}, and the token " in signed_in.stdout, signed_in


def test_reader_of_files_that_is_not_installed_is_told_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(readers, "LIBRARIES", (*readers.LIBRARIES, "no_such_library"))
    monkeypatch.chdir(tmp_path)

    doctor.run([])

    assert "files      -: not installed; pip install 'vmkops[files]' adds" in capsys.readouterr().out


def test_what_need_not_be_set_up_does_not_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], free_port: int
) -> None:
    url = f"http://127.0.0.1:{free_port}"  # something may listen on the port of the default
    monkeypatch.setattr(_console, "chosen", lambda: Chosen(url, None, "", None))
    for name in set(os.environ) - set(PLAIN):
        monkeypatch.delenv(name)
    monkeypatch.setenv("VMKOPS_DATA_DIR", "kept")
    monkeypatch.chdir(tmp_path)

    status = doctor.run([])

    printed = capsys.readouterr().out
    assert status == 0, printed
    assert f"service    -: no service answers at {url} yet. Start it with `vmkops serve`" in printed
    assert list(tmp_path.iterdir()) == []


def test_json_has_each_check_with_its_mark(tmp_path: Path) -> None:
    done = run_forked(tmp_path, "doctor", "--json", VMKOPS_SERVICE_URL="http://127.0.0.1:9", VMKOPS_MAX_JOBS="many")

    found = json.loads(done.stdout)
    marks = {each["subject"]: (each["mark"], each["text"]) for each in found["checks"] if each["subject"] != "python"}
    assert (done.returncode, found["ok"]) == (1, False)
    assert marks["settings"] == ("failed", "VMKOPS_MAX_JOBS: must be a whole number.")
    assert marks["slack"][0] == "-"
    assert marks["service"][0] == "failed"


def test_what_is_wrong_is_marked_with_what_to_do(tmp_path: Path) -> None:
    done = run_forked(
        tmp_path,
        "doctor",
        VMKOPS_VCENTER_URL="vc.example.com",
        VMKOPS_VCENTRE_USER="me",
        SLACK_BOT_TOKEN="xoxb-1",
        VMKOPS_SERVICE_URL="http://127.0.0.1:9",
    )

    assert done.returncode == 1
    assert [line.split()[:2] for line in lines(done.stdout)] == [
        ["settings", "failed:"],
        ["settings", "failed:"],
        ["settings", "warning:"],
        ["slack", "failed:"],
        ["service", "failed:"],
    ]
    assert "did you mean VMKOPS_VCENTER_USER?" in done.stdout
    assert "slack      failed: its settings are wrong, as said above." in done.stdout
    assert "does not answer" in done.stdout


def test_folder_is_left_as_it_was(tmp_path: Path) -> None:
    done = run_forked(tmp_path, "doctor")

    assert "data       ok: the service will create data" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_data_directory_that_cannot_be_written_is_marked(tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()

    done = run_forked(tmp_path, "doctor", VMKOPS_DATA_DIR="a-file/data")

    assert done.returncode == 1
    assert "data       failed: VMKOPS_DATA_DIR: a-file/data cannot be written" in done.stdout


def test_what_other_users_can_open_is_reported(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("vmkops.sqlite", "jobs.sqlite", "password", "bot", "table"):
        (data / name if name.endswith(".sqlite") else tmp_path / name).write_text("secret\n" if "." not in name else "")
    config = tmp_path / "vmkops.toml"
    config.write_text(
        'SLACK_BOT_TOKEN_FILE = "bot"\n[vcenters.lab]\nurl = "127.0.0.1:9"\nuser = "u"\npassword_file = "table"\n'
    )
    everything = [data, *data.iterdir(), *(tmp_path / each for each in ("password", "bot", "table")), config]
    for path in everything:
        path.chmod(0o755 if path.is_dir() else 0o644)

    warned = run_forked(tmp_path, "doctor", VMKOPS_TOKEN_FILE="password").stdout
    for path in everything:
        path.chmod(0o700 if path.is_dir() else 0o600)
    silent = run_forked(tmp_path, "doctor", VMKOPS_TOKEN_FILE="password").stdout

    assert [line for line in warned.splitlines() if "other users" in line] == [
        "settings   warning: VMKOPS_CONFIG: other users can read vmkops.toml. Run chmod 600 vmkops.toml.",
        "settings   warning: SLACK_BOT_TOKEN_FILE: other users can read bot. Run chmod 600 bot.",
        "settings   warning: VMKOPS_TOKEN_FILE: other users can read password. Run chmod 600 password.",
        "settings   warning: password_file of [vcenters.lab]: other users can read table. Run chmod 600 table.",
        "data       warning: VMKOPS_DATA_DIR: other users can read data. Run chmod 700 data.",
        *(
            f"data       warning: VMKOPS_DATA_DIR: other users can read data/{name}. Run chmod 600 data/{name}."
            for name in ("jobs.sqlite", "vmkops.sqlite")
        ),
    ]
    assert "other users" not in silent


def test_connection_to_a_database_that_others_can_read_is_reported(tmp_path: Path) -> None:
    url = "postgresql://db.example.com:9/vmkops?hostaddr=127.0.0.1&sslmode="

    weak = run_forked(tmp_path, "doctor", VMKOPS_DATABASE_URL=f"{url}require").stdout
    strong = run_forked(tmp_path, "doctor", VMKOPS_DATABASE_URL=f"{url}verify-full").stdout

    assert "data       warning: VMKOPS_DATABASE_URL: sslmode=require does not check whose certificate" in weak
    assert "warning" not in "".join(lines(strong))
