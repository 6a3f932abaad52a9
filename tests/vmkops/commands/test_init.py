"""`vmkops init` writes vmkops.toml from options or answers, never over one that is there, and tries the connections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.api.settings import read_settings
from tests.peers.vcsim import Vcsim
from tests.terminal import Terminal
from tests.vmkops.terminal import run_forked


@pytest.fixture(scope="module")
def vcsim() -> Iterator[Vcsim]:
    """A vCenter that takes one password."""
    with Vcsim() as running:
        yield running


def given(vcsim: Vcsim, folder: Path) -> tuple[str, ...]:
    """The options for this vCenter, with its password in a file."""
    (folder / "pass").write_text(f"{vcsim.password}\n")
    options = ("--vcenter-url", vcsim.url, "--vcenter-user", vcsim.user, "--ca-file", str(vcsim.ca_file))
    return ("init", *options, "--password-file", "pass")


def test_file_from_options_alone_is_private_and_its_connections_are_tried(tmp_path: Path, vcsim: Vcsim) -> None:
    done = run_forked(tmp_path, *given(vcsim, tmp_path), "--data-dir", "kept")

    file = tmp_path / "vmkops.toml"
    assert done.returncode == 0, done.stdout + done.stderr
    assert "data       ok: the service will create kept" in done.stdout
    assert f"vcenter default ok: signed in to {vcsim.url} as {vcsim.user}, 4 VMs" in done.stdout
    assert file.stat().st_mode & 0o777 == 0o600
    assert vcsim.password not in file.read_text()
    assert file.read_text().count("# ") > 5
    assert sorted(each.name for each in tmp_path.iterdir()) == ["pass", "vmkops.toml"]


def test_wrong_password_is_said_after_the_file_is_written(tmp_path: Path, vcsim: Vcsim) -> None:
    words = given(vcsim, tmp_path)
    (tmp_path / "pass").write_text("wrong\n")

    done = run_forked(tmp_path, *words)

    assert done.returncode == 1
    assert "vcenter default failed: vCenter does not accept the user name or password." in done.stdout
    assert "Correct what failed, then run `vmkops doctor`." in done.stdout
    assert (tmp_path / "vmkops.toml").exists()


def test_untrusted_certificate_leads_to_the_option_that_skips_the_check(tmp_path: Path, vcsim: Vcsim) -> None:
    words = [each for each in given(vcsim, tmp_path) if each not in ("--ca-file", str(vcsim.ca_file))]

    refused = run_forked(tmp_path, *words)
    skipped = run_forked(tmp_path, *words, "--force", "--insecure")

    assert refused.returncode == 1
    assert "set VMKOPS_VCENTER_INSECURE to true" in refused.stdout
    assert "`vmkops init --insecure`" in refused.stdout
    assert skipped.returncode == 0, skipped.stdout
    assert "--insecure" not in skipped.stdout


def test_file_that_is_there_is_replaced_with_force_only(tmp_path: Path) -> None:
    file = tmp_path / "vmkops.toml"
    file.write_text("# mine\n")

    refused = run_forked(tmp_path, "init", "--data-dir", "kept")
    kept = file.read_text()
    forced = run_forked(tmp_path, "init", "--data-dir", "kept", "--force")

    assert (refused.returncode, kept) == (2, "# mine\n")
    assert "vmkops.toml exists and is left as it is. Add --force to replace it." in refused.stderr
    assert forced.returncode == 0, forced.stderr
    assert read_settings({"VMKOPS_CONFIG": str(file)}).data_dir == Path("kept")
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("--vcenter-url", "http://vc"), 2, "line 8: VMKOPS_VCENTER_URL: begins with http://"),
        (("--vcenter-user", "me"), 2, "--vcenter-user needs --vcenter-url"),
        (("--vcenter-url", "vc"), 2, "missing: VMKOPS_VCENTER_USER, VMKOPS_VCENTER_PASSWORD."),
        (("--file", "none/vmkops.toml"), 2, "none/vmkops.toml cannot be written (No such file or directory)."),
    ],
)
def test_mistake_in_the_options_is_named(tmp_path: Path, words: tuple[str, ...], status: int, message: str) -> None:
    done = run_forked(tmp_path, "init", *words)

    assert done.returncode == status
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_there_stays_when_a_setting_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "vmkops.toml"
    file.write_text("# mine\n")
    words = ("init", "--force", "--vcenter-url", "https://vc", "--vcenter-user", "me", "--password-file")

    absent = run_forked(tmp_path, *words, "absent")
    kept = file.read_text()
    unchecked = run_forked(tmp_path, *words, "absent", "--no-check")

    assert (absent.returncode, kept) == (2, "# mine\n"), absent
    assert "line 14: VMKOPS_VCENTER_PASSWORD_FILE: " in absent.stderr
    assert absent.stderr.startswith("vmkops init: vmkops.toml, ")
    assert absent.stderr.endswith("vmkops.toml is left as it was.\n")
    assert unchecked.returncode == 0, unchecked
    assert [each.name for each in tmp_path.iterdir()] == ["vmkops.toml"]


def test_setting_of_the_environment_that_goes_before_the_file_is_reported(tmp_path: Path) -> None:
    done = run_forked(tmp_path, "init", "--data-dir", "kept", VMKOPS_DATA_DIR="other")

    assert "warning: VMKOPS_DATA_DIR is also set in the environment, which goes before vmkops.toml." in done.stderr


def test_person_answers_questions_in_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "answers.toml"

    with Terminal.plain("init", "--file", str(file), "--no-check") as terminal:
        for question, answer in (
            ("Folder for databases and backups: ", "kept"),
            ("empty for lookups alone: ", "https://vc.example.com"),
            ("Account that vmkops signs in with: ", "me"),
            ("empty to type the password: ", ""),
            ("empty if this machine trusts it: ", ""),
            ("Password of me, kept in ", 'p4"ss'),
        ):
            terminal.read_until(question)
            terminal.type(answer)
        assert terminal.wait() == 0

    (vcenter,) = read_settings({"VMKOPS_CONFIG": str(file)}).vcenters()
    assert (vcenter.url, vcenter.user, vcenter.password.get_secret_value()) == ("https://vc.example.com", "me", 'p4"ss')
