"""The one source of settings: the environment before the file, `NAME_FILE` in both, and what is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import BotSettings
from service.api.config_file import COPY, NAMES, SAVE, SERVICES, VCENTERS, misspelt
from service.api.settings import Settings
from service.api.settings_source import read_setting
from service.errors import SettingError


def written(folder: Path, text: str) -> dict[str, str]:
    """An environment that names a file with this text."""
    path = folder / "vmkops.toml"
    path.write_text(text)
    return {"VMKOPS_CONFIG": str(path)}


def test_every_setting_of_the_models_is_in_the_list_of_names_and_no_other() -> None:
    fields = [*Settings.model_fields.values(), *BotSettings.model_fields.values()]

    assert {field.alias for field in fields} == {*NAMES, VCENTERS, SERVICES, SAVE, COPY}


def test_environment_goes_before_the_file(tmp_path: Path) -> None:
    environ = written(tmp_path, 'VMKOPS_VCENTER_USER = "file"\nVMKOPS_VCENTER_URL = "vc.example.com"\n')

    assert read_setting("VMKOPS_VCENTER_USER", {**environ, "VMKOPS_VCENTER_USER": "environment"}) == "environment"
    assert read_setting("VMKOPS_VCENTER_URL", environ) == "vc.example.com"


def test_empty_value_counts_as_not_set(tmp_path: Path) -> None:
    environ = written(tmp_path, 'VMKOPS_VCENTER_USER = "file"\nVMKOPS_DATA_DIR = ""\n')

    assert read_setting("VMKOPS_VCENTER_USER", {**environ, "VMKOPS_VCENTER_USER": " "}) == "file"
    assert read_setting("VMKOPS_DATA_DIR", environ) == ""


def test_secret_of_the_environment_replaces_the_one_that_the_file_names(tmp_path: Path) -> None:
    environ = written(tmp_path, 'VMKOPS_TOKEN_FILE = "/nowhere"\n')

    assert read_setting("VMKOPS_TOKEN", {**environ, "VMKOPS_TOKEN": "own"}) == "own"


@pytest.mark.parametrize("where", ["environment", "file", "table"])
def test_secret_file_may_be_named_anywhere(tmp_path: Path, where: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text(" xoxb-1 \n")
    environ = {
        "environment": {"SLACK_BOT_TOKEN_FILE": str(secret)},
        "file": written(tmp_path, f'SLACK_BOT_TOKEN_FILE = "{secret}"\n'),
        "table": written(tmp_path, f'[slack]\nbot_token_file = "{secret}"\n'),
    }[where]

    assert read_setting("SLACK_BOT_TOKEN", environ) == "xoxb-1"


@pytest.mark.parametrize("text", ['VMKOPS_TOKEN = "s3cret"\nVMKOPS_TOKEN_FILE = "x"\n', None])
def test_secret_and_its_file_are_one_too_many(tmp_path: Path, text: str | None) -> None:
    environ = written(tmp_path, text) if text else {"VMKOPS_TOKEN": "s3cret", "VMKOPS_TOKEN_FILE": "x"}

    with pytest.raises(SettingError, match=r"VMKOPS_TOKEN: is set, and VMKOPS_TOKEN_FILE too\. Keep one") as refused:
        read_setting("VMKOPS_TOKEN", environ)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b" \n", "is empty"), (b"one\ntwo\n", "has more than one line"), (b"\xff\xfe", "is not UTF-8")],
)
def test_secret_file_holds_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "secret").write_bytes(content)

    with pytest.raises(SettingError, match=f"VMKOPS_TOKEN_FILE: .*{message}"):
        read_setting("VMKOPS_TOKEN", {"VMKOPS_TOKEN_FILE": str(tmp_path / "secret")})


def test_every_unknown_name_in_the_file_is_named_at_once(tmp_path: Path) -> None:
    text = 'VMKOPS_VCENTER_URI = "x"\ncolour = 1\n[slack]\nbot_tokn = "xoxb-1"\n[vcenter.lab]\nurl = "x"\n'

    with pytest.raises(SettingError) as refused:
        read_setting("VMKOPS_DATA_DIR", written(tmp_path, text))

    where = tmp_path / "vmkops.toml"
    assert set(refused.value.problems) == {
        f"{where}, line 1: VMKOPS_VCENTER_URI: is not a setting of vmkops; did you mean VMKOPS_VCENTER_URL?",
        f"{where}, line 2: colour: is not a setting of vmkops. Remove it, or correct its name.",
        f"{where}, line 4: [slack] bot_tokn: is not a setting of vmkops; did you mean bot_token?",
        f"{where}, line 5: vcenter: is not a setting of vmkops; did you mean vcenters?",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[copy.nas]\nkind = "directory"\nVMKOPS_COPY_TO = "nas"\n', "line 3: VMKOPS_COPY_TO: stands in [copy.nas]."),
        ('[save.x]\nVMKOPS_TOKEN_FILE = "x"\n', "line 2: VMKOPS_TOKEN_FILE: stands in [save.x]."),
        ('[slack]\nSLACK_BOT_TOKEN = "s3cret"\n', "line 2: SLACK_BOT_TOKEN: stands in [slack]."),
        ('[vcenters.lab]\nurl = "x"\nVMKOPS_DATA_DIR = "x"\n', "line 3: VMKOPS_DATA_DIR: stands in [vcenters.lab]."),
        ('[services]\nVMKOPS_SERVICE_URL = "x"\n', "line 2: VMKOPS_SERVICE_URL: stands in [services]."),
        ('[slack]\nVMKOPS_VCENTRE_URL = "x"\n', "line 2: VMKOPS_VCENTRE_URL: stands in [slack]. as VMKOPS_VCENTER_URL"),
    ],
)
def test_setting_below_a_table_is_told_to_move_above_it(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingError) as refused:
        read_setting("VMKOPS_DATA_DIR", written(tmp_path, text))

    place, _, spelt = problem.partition(" as ")
    place = place.replace("stands in ", "stands in the table ")
    mend = f"Move it above the first line in brackets{', as ' if spelt else ''}{spelt}."
    assert refused.value.problems == (f"{tmp_path / 'vmkops.toml'}, {place} {mend}",)
    assert "s3cret" not in str(refused.value)


def test_environment_of_a_save_profile_may_have_any_name(tmp_path: Path) -> None:
    text = '[save.x]\nkind = "tar"\nrepository = "/x"\n[save.x.environment]\nVMKOPS_DATA_DIR = "x"\n'

    assert read_setting("VMKOPS_DATA_DIR", written(tmp_path, text)) == ""


def test_setting_twice_in_the_file_is_refused(tmp_path: Path) -> None:
    text = 'SLACK_BOT_TOKEN = "xoxb-1"\n[slack]\nbot_token = "xoxb-2"\n'

    with pytest.raises(SettingError, match="line 3: SLACK_BOT_TOKEN: is set twice"):
        read_setting("SLACK_BOT_TOKEN", written(tmp_path, text))


@pytest.mark.parametrize("text", ["VMKOPS_DATA_DIR = ", "\x00", "[[[["])
def test_file_that_is_not_toml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingError, match="cannot be read as TOML"):
        read_setting("VMKOPS_DATA_DIR", written(tmp_path, text))


def test_file_that_does_not_exist_is_an_error_only_when_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=re.escape(f"VMKOPS_CONFIG: there is no file {tmp_path / 'none.toml'}")):
        read_setting("VMKOPS_DATA_DIR", {"VMKOPS_CONFIG": str(tmp_path / "none.toml")})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("VMKOPS_VCENTRE_URL", "; did you mean VMKOPS_VCENTER_URL?"),
        ("VMKOPS_VCENTRE_PASSWORD_FILE", "; did you mean VMKOPS_VCENTER_PASSWORD_FILE?"),
        ("VMKOPS_COLOUR", ". Remove it, or correct its name."),
        ("SLACK_BOT_TOKN", "; did you mean SLACK_BOT_TOKEN?"),
    ],
)
def test_misspelt_name_in_the_environment_is_reported(name: str, words: str) -> None:
    (sentence,) = misspelt({name: "s3cret", "VMKOPS_DATA_DIR": "data", "VMKOPS_CONFIG": "x", "HOME": "/"})

    assert sentence.startswith(f"{name} is not a setting of vmkops")
    assert sentence.endswith(words)
    assert "s3cret" not in sentence


def test_names_of_other_programs_for_slack_are_not_reported() -> None:
    assert misspelt({"SLACK_WEBHOOK_URL": "x", "SLACK_CHANNEL": "x"}) == []


def test_setting_is_read_without_pydantic() -> None:
    program = "import sys; from service.api.settings_source import read_setting; read_setting('VMKOPS_DATA_DIR');"
    done = subprocess.run([sys.executable, "-c", f"{program} print(*sys.modules)"], capture_output=True, text=True)

    loaded = set(done.stdout.split())
    assert "service.api.settings_source" in loaded
    assert not loaded & {"pydantic", "tomllib", "difflib", "pathlib", "service.errors"}
