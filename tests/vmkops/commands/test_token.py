"""`vmkops token create` makes tokens of a service that is there, or of one whose data directory is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running_service import RunningService
from tests.vmkops.terminal import run, run_forked

CREATE = ("token", "create", "x", "--scope", "read")


@pytest.mark.parametrize("make", [False, True])
def test_token_without_a_service_is_refused_with_the_directory_and_what_to_type(tmp_path: Path, make: bool) -> None:
    if make:
        (tmp_path / "data").mkdir()

    done = run_forked(tmp_path, *CREATE)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"the data directory {tmp_path / 'data'} " in done.stderr
    assert "make the directory now: vmkops token create x --scope read --init\n" in done.stderr
    assert [*tmp_path.rglob("*")] == ([tmp_path / "data"] if make else [])
    for words in (("token", "list"), ("token", "revoke", "x"), ("tokens",)):
        asked = run_forked(tmp_path, *words)
        assert (asked.returncode, "vmkops token create NAME --scope operate --init" in asked.stderr) == (2, True)


def test_tokens_of_a_named_service_lead_to_its_own_computer(tmp_path: Path) -> None:
    service = {"VMKOPS_SERVICE_URL": "https://vmkops.example.com", "VMKOPS_TOKEN": "t0ken"}

    for words in (("tokens",), ("token", "list"), ("token", "revoke", "x")):
        asked = run_forked(tmp_path, *words, **service)
        first, then, here = asked.stderr.splitlines()
        assert (asked.returncode, asked.stdout) == (2, "")
        assert first.endswith(
            "the tokens of https://vmkops.example.com are kept on its own computer, and no call lists or makes them."
        )
        assert then.startswith("  Run this command there, in the folder of the service or with its VMKOPS_DATA_DIR")
        assert here == f"  Here, the data directory {tmp_path / 'data'} does not exist."
    assert "vmkops token create x --scope read\n" in run_forked(tmp_path, *CREATE, **service).stderr
    assert not [*tmp_path.iterdir()]
    here = run_forked(tmp_path, "tokens", VMKOPS_SERVICE_URL="http://localhost:8080")
    assert "If no service has run here yet, start it first" in here.stderr


@pytest.mark.parametrize(("options", "settings"), [(("--init",), {}), ((), {"VMKOPS_DATA_DIR": "data"})])
def test_token_for_a_service_that_is_not_started_yet_is_good(
    tmp_path: Path, options: tuple[str, ...], settings: dict[str, str]
) -> None:
    done = run(tmp_path, *CREATE, *options, **settings)

    assert done.returncode == 0, done.stderr
    assert f"only for the service on the data directory {tmp_path / 'data'}." in done.stderr
    assert "it was made now, for its first start" in done.stderr
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
