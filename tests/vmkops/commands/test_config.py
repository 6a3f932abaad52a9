"""`vmkops config`: each setting with its value and where it comes from, and all problems at once."""

from __future__ import annotations

import json
from pathlib import Path

from tests.vmkops.terminal import run_forked


def test_each_setting_is_shown_with_where_it_comes_from_and_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("p4ss\n")
    (tmp_path / "vmkops.toml").write_text(
        """VMKOPS_MAX_JOBS = 3
VMKOPS_VCENTER_URL = "vc.example.com"
VMKOPS_VCENTER_USER = "me"
VMKOPS_VCENTER_PASSWORD_FILE = "secret"
[slack]
signing_secret = "s1gning"

[vcenters.lab]
url = "lab.example.com"
user = "me"
password = "t4ble"
"""
    )
    own = {"VMKOPS_VCENTER_USER": "other", "VMKOPS_DATABASE_URL": "postgresql://u:db4@h/d", "VMKOPS_TOKEN": "t0ken"}

    shown = run_forked(tmp_path, "config", "show", **own)
    found = json.loads(run_forked(tmp_path, "config", "show", "--json", **own).stdout)

    settings = {each["name"]: (each["value"], each["origin"]) for each in found["settings"]}
    assert shown.returncode == 0, shown.stderr
    assert settings["VMKOPS_MAX_JOBS"] == ("3", "vmkops.toml, line 1")
    assert settings["VMKOPS_VCENTER_USER"] == ("other", "environment")
    where = "vmkops.toml, line 4 (VMKOPS_VCENTER_PASSWORD_FILE: secret)"
    assert settings["VMKOPS_VCENTER_PASSWORD"] == ("(hidden)", where)
    assert settings["SLACK_SIGNING_SECRET"] == ("(hidden)", "vmkops.toml, line 6")
    assert settings["VMKOPS_LOG_LEVEL"] == ("INFO", "default")
    assert settings["VMKOPS_TLS_KEY"] == ("", "not set")
    assert settings["vcenters.lab.url"] == ("lab.example.com", "vmkops.toml, line 9")
    assert settings["vcenters.lab.password"] == ("(hidden)", "vmkops.toml, line 11")
    assert "VMKOPS_MAX_JOBS = 3  [vmkops.toml, line 1]\n" in shown.stdout
    for secret in ("p4ss", "s1gning", "t4ble", "db4", "t0ken"):
        assert secret not in shown.stdout + shown.stderr + json.dumps(found)
    assert "wrong: SLACK_BOT_TOKEN: is missing." in shown.stderr


def test_check_names_the_problems_of_the_service_the_bot_and_the_commands_at_once(tmp_path: Path) -> None:
    (tmp_path / "vmkops.toml").write_text('VMKOPS_MAX_JOBS = "many"\ncolour = 1\nVMKOPS_SERVICE_URL = "vmkops"\n')
    environment = {"SLACK_BOT_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET_FILE": "none", "VMKOPS_COLOUR": "x"}

    done = run_forked(tmp_path, "config", "check", **environment)
    found = json.loads(run_forked(tmp_path, "config", "check", "--json", **environment).stdout)

    assert done.returncode == 1
    assert sorted(done.stdout.splitlines()) == [
        "SLACK_BOT_TOKEN: is not a bot token: one begins with xoxb-.",
        "SLACK_SIGNING_SECRET_FILE: none cannot be read (No such file or directory). Correct the path.",
        "vmkops.toml, line 1: VMKOPS_MAX_JOBS: must be a whole number.",
        "vmkops.toml, line 2: colour: is not a setting of vmkops. Remove it, or correct its name.",
        "vmkops.toml, line 3: VMKOPS_SERVICE_URL: is not a URL. Write it in full, such as https://vmkops.example.com.",
    ]
    assert "warning: VMKOPS_COLOUR is not a setting of vmkops." in done.stderr
    assert found["problems"] == done.stdout.splitlines()
    assert not found["ok"]


def test_one_setting_is_shown_and_a_wrong_name_leads_to_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "vmkops.toml").write_text(
        'VMKOPS_MAX_JOBS = 3\n[vcenters.lab]\nurl = "a\\u001b[31mb\\nc"\nuser = "me"\n'
    )

    for name in ("VMKOPS_MAX_JOBS", "max-jobs"):
        assert run_forked(tmp_path, "config", "show", name).stdout == "VMKOPS_MAX_JOBS = 3  [vmkops.toml, line 1]\n"
    table = run_forked(tmp_path, "config", "show", "vcenters.lab")
    assert table.stdout.splitlines()[0] == "vcenters.lab.url = a␛[31mb␊c  [vmkops.toml, line 3]"
    as_json = json.loads(run_forked(tmp_path, "config", "show", "VMKOPS_MAX_JOBS", "--json").stdout)
    assert as_json == {"settings": [{"name": "VMKOPS_MAX_JOBS", "value": "3", "origin": "vmkops.toml, line 1"}]}
    for wrong, near in (
        ("VMKOPS_MAXJOBS", "VMKOPS_MAX_JOBS"),
        ("max_jbos", "VMKOPS_MAX_JOBS"),
        ("vcenters.lab.usr", "vcenters.lab.user"),
    ):
        done = run_forked(tmp_path, "config", "show", wrong)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"vmkops config: there is no setting {wrong}. Did you mean {near}?\n"
    assert "vmkops config show lists all of them." in run_forked(tmp_path, "config", "show", "nope").stderr


def test_control_characters_of_settings_reach_no_terminal(tmp_path: Path) -> None:
    odd = {"VMKOPS_DATA_DIR": "a\x1b[31m\nvcenter    ok: signed in", "VMKOPS_LOG_LEVEL": "\x1b[32mloud"}

    for words in (("config", "show"), ("config", "check"), ("doctor",)):
        done = run_forked(tmp_path, *words, **odd)
        assert "\x1b" not in done.stdout + done.stderr, words
        assert "\nvcenter    ok: signed in" not in done.stdout, words


def test_check_of_good_settings_exits_0(tmp_path: Path) -> None:
    done = run_forked(tmp_path, "config", "check", VMKOPS_DATA_DIR="kept")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Every setting can be read.")


def test_check_with_warnings_alone_exits_0_as_its_help_says(tmp_path: Path) -> None:
    done = run_forked(tmp_path, "config", "check", VMKOPS_VCENTRE_URL="vc.example.com")
    told = run_forked(tmp_path, "config", "check", "--help").stdout

    assert done.returncode == 0
    warning = "VMKOPS_VCENTRE_URL is not a setting of vmkops; did you mean VMKOPS_VCENTER_URL?"
    assert done.stderr == f"warning: {warning}\n"
    assert done.stdout.startswith("Every setting can be read, with 1 warning.")
    assert "exit status 1 when one is wrong, 0 for warnings alone" in " ".join(told.split())
