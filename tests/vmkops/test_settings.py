"""Every command reads its settings in the same way: from the environment, from `vmkops.toml` and from secret files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_service import RunningService
from tests.vmkops.terminal import run, run_forked

MISSPELT = "VMKOPS_VCENTRE_URL is not a setting of vmkops; did you mean VMKOPS_VCENTER_URL?"
LISTING = "VMK_OK 0 0 OK Everything is fine in the lab\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service without any configuration, which asks for a token wherever it can."""
    with RunningService(tmp_path_factory.mktemp("data"), {"VMKOPS_LOOKUPS_PUBLIC": "false"}) as running:
        yield running


def test_offline_lookups_use_the_data_directory_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "vmkops.toml").write_text('VMKOPS_DATA_DIR = "kept"\n')

    imported = run(tmp_path, "vmkerr", "import", "-", "--release", "lab", stdin=LISTING)
    found = run(tmp_path, "vmkerr", "VMK_OK", "--release", "lab")

    assert imported.returncode == 0, imported.stderr
    assert "Everything is fine in the lab" in found.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "vmkops.toml"]


def test_environment_goes_before_the_file_for_offline_lookups(tmp_path: Path) -> None:
    (tmp_path / "vmkops.toml").write_text('VMKOPS_DATA_DIR = "kept"\n')

    run(tmp_path, "vmkerr", "import", "-", "--release", "lab", stdin=LISTING, VMKOPS_DATA_DIR="own")

    assert (tmp_path / "own").is_dir()
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("words", ["jobs", "actions", "backups --json"])
def test_remote_commands_use_the_service_and_token_of_the_file(
    tmp_path: Path, service: RunningService, words: str
) -> None:
    (tmp_path / "ops.toml").write_text(f'VMKOPS_SERVICE_URL = "{service.url}"\nVMKOPS_TOKEN = "{service.token}"\n')

    done = run(tmp_path, *words.split(), VMKOPS_CONFIG="ops.toml")

    assert done.stderr == ""
    assert done.returncode == (1 if words.startswith("backups") else 0)  # 1: there are no backups


def test_secret_file_may_be_named_in_the_file(tmp_path: Path, service: RunningService) -> None:
    (tmp_path / "token").write_text(f"{service.token}\n")
    (tmp_path / "vmkops.toml").write_text(f'VMKOPS_SERVICE_URL = "{service.url}"\nVMKOPS_TOKEN_FILE = "token"\n')

    done = run_forked(tmp_path, "jobs")

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("command", "name"),
    [("serve", "VMKOPS_VCENTER_PASSWORD"), ("bot", "SLACK_BOT_TOKEN"), ("jobs", "VMKOPS_TOKEN")],
)
def test_secret_and_its_file_are_refused_by_every_command(tmp_path: Path, command: str, name: str) -> None:
    (tmp_path / "secret").write_text("xoxb-s3cret\n")
    slack, vcenter = {"SLACK_SIGNING_SECRET": "x"}, {"VMKOPS_VCENTER_URL": "vc", "VMKOPS_VCENTER_USER": "me"}
    others = slack if name.startswith("SLACK_") else vcenter
    both = {name: "xoxb-s3cret", f"{name}_FILE": str(tmp_path / "secret")}

    done = run_forked(tmp_path, command, **others, **both)

    assert done.returncode == 2
    assert done.stderr == f"vmkops {command}: {name}: is set, and {name}_FILE too. Keep one of them.\n"


@pytest.mark.parametrize(
    "words", ["vmkerr 0xbad0022", "decode", "kb list", "jobs", "serve", "bot", "token create x --scope read"]
)
def test_unknown_names_in_the_file_are_refused_by_every_command(tmp_path: Path, words: str) -> None:
    (tmp_path / "vmkops.toml").write_text('VMKOPS_DATADIR = "kept"\ncolour = 1\n')

    done = run(tmp_path, *words.split())

    assert (done.returncode, done.stdout) == (2, "")
    assert (
        "vmkops.toml, line 1: VMKOPS_DATADIR: is not a setting of vmkops; did you mean VMKOPS_DATA_DIR?" in done.stderr
    )
    assert "vmkops.toml, line 2: colour: is not a setting of vmkops." in done.stderr


def test_service_url_that_is_not_one_is_named(tmp_path: Path) -> None:
    done = run_forked(tmp_path, "jobs", VMKOPS_SERVICE_URL="localhost:8080")

    assert done.returncode == 2
    assert done.stderr.startswith("vmkops jobs: VMKOPS_SERVICE_URL: is not a URL")


def test_misspelt_name_in_the_environment_is_in_the_log_of_the_service(tmp_path: Path) -> None:
    with RunningService(tmp_path, {"VMKOPS_VCENTRE_URL": "https://vc.example.com"}) as running:
        assert running.log().count(MISSPELT) == 1


@pytest.mark.parametrize("words", ["serve", "worker", "bot", "config show", "config check", "doctor"])
def test_misspelt_name_in_the_environment_is_reported_once_by_each_command_of_the_service(
    tmp_path: Path, words: str
) -> None:
    other = {"VMKOPS_VCENTER_USER": "me", "VMKOPS_VCENTER_PASSWORD": "s3cret"}

    done = run_forked(tmp_path, *words.split(), VMKOPS_VCENTRE_URL="https://vc.example.com", **other)

    assert (done.stderr + done.stdout).count(MISSPELT) == 1
    assert "s3cret" not in done.stderr + done.stdout
