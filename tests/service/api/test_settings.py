"""What the settings of the service may hold; what is wrong is named together with how to fix it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from bot.settings import BotSettings
from service.api.config_lines import line_of, lines_of
from service.api.problem_words import UNKNOWN_TYPE, WORDS, in_words
from service.api.settings import Settings, read_settings
from service.api.vcenter import VCenterTable
from service.errors import SettingError
from tests.service.api.test_settings_source import written

HTTP = "begins with http://, but vCenter answers over https only. Write https:// instead."
VCENTER = 'url = "vc.example.com"\nuser = "vmkops"\n'


def test_secret_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("p4ss\n")

    first = {"VMKOPS_VCENTER_URL": "vc.example.com", "VMKOPS_VCENTER_USER": "me"}
    settings = read_settings({**first, "VMKOPS_VCENTER_PASSWORD_FILE": str(tmp_path / "secret")})

    assert settings.vcenter_password is not None
    assert settings.vcenter_password.get_secret_value() == "p4ss"
    assert "p4ss" not in repr(settings)


def test_file_may_hold_the_settings_of_the_bot(tmp_path: Path) -> None:
    assert read_settings(written(tmp_path, 'SLACK_BOT_TOKEN = "xoxb-1"\n[slack]\n')).vcenter_url is None


def test_values_of_the_file_have_the_types_of_toml(tmp_path: Path) -> None:
    text = 'VMKOPS_MAX_JOBS = 3\nVMKOPS_LOOKUPS_PUBLIC = false\nVMKOPS_SLACK_OPERATORS = ["U1", "U2"]\n'

    settings = read_settings(written(tmp_path, text))

    assert (settings.max_jobs, settings.lookups_public) == (3, False)
    assert settings.slack_operators == {"U1", "U2"}


def test_every_wrong_value_is_named_at_once() -> None:
    with pytest.raises(
        SettingError, match=r"VMKOPS_MAX_JOBS: must be a whole number\.\n  VMKOPS_REAP_SECONDS: must be 1"
    ):
        read_settings({"VMKOPS_MAX_JOBS": "many", "VMKOPS_REAP_SECONDS": "0"})


def test_operators_are_separated_by_spaces_or_commas() -> None:
    settings = read_settings({"VMKOPS_SLACK_OPERATORS": "U1, U2 U3"})

    assert settings.slack_operators == {"U1", "U2", "U3"}


def test_several_vcenters_are_tables_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("p4ss\n")
    text = f'[vcenters.lab]\n{VCENTER}password = "one"\n'
    text += f'[vcenters.esx-9]\n{VCENTER}password_file = "{tmp_path / "secret"}"\ninsecure = true\n'
    first = {"VMKOPS_VCENTER_URL": "first", "VMKOPS_VCENTER_USER": "me", "VMKOPS_VCENTER_PASSWORD": "x"}

    found = read_settings({**written(tmp_path, text), **first}).vcenters()

    assert [each.name for each in found] == ["default", "lab", "esx-9"]
    assert found[2].password.get_secret_value() == "p4ss"
    assert (found[0].insecure, found[2].insecure) == (False, True)
    assert "p4ss" not in repr(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[vcenters.lab]\nuser = "vmkops"\npassword = "x"\n', "vcenters.lab.url"),
        (f"[vcenters.lab]\n{VCENTER}", "password and password_file are both missing"),
        (f'[vcenters.lab]\n{VCENTER}password = "x"\npassword_file = "y"\n', "are both set. Keep one of them"),
        (f'[vcenters.lab]\n{VCENTER}password_file = "/nowhere"\n', "password_file: /nowhere cannot be read"),
        (f'[vcenters.lab]\n{VCENTER}password_file = "/dev/null"\n', "password_file: /dev/null is empty"),
        (
            f'[vcenters.lab]\n{VCENTER}password = "x"\nca = "x"\n',
            "lab.ca: is not a setting of a vCenter; did you mean ca_file",
        ),
        (f'[vcenters."a/b"]\n{VCENTER}password = "x"\n', "vcenters.a/b"),
        ('[vcenters.lab]\nurl = "http://vc"\nuser = "me"\npassword = "x"\n', "Write https:// instead"),
        ('[vcenters.lab]\nurl = "vc:99999"\nuser = "me"\npassword = "x"\n', "lab.url: has a port that is none"),
    ],
)
def test_table_that_cannot_be_read_names_its_setting(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingError, match=re.escape(message)):
        read_settings(written(tmp_path, text))


def test_incomplete_vcenter_names_what_is_missing() -> None:
    with pytest.raises(SettingError, match="incomplete; missing: VMKOPS_VCENTER_PASSWORD"):
        read_settings({"VMKOPS_VCENTER_URL": "vc.example.com", "VMKOPS_VCENTER_USER": "me"})


def test_hosts_to_import_from_are_names_alone() -> None:
    settings = read_settings({"VMKOPS_IMPORT_HOSTS": "Images.example.com., 10.0.0.5"})

    assert settings.import_hosts == {"images.example.com", "10.0.0.5"}
    for wrong in ("https://images.example.com", "images.example.com/x", "10.0.0.5:443"):
        with pytest.raises(SettingError, match="VMKOPS_IMPORT_HOSTS"):
            read_settings({"VMKOPS_IMPORT_HOSTS": wrong})


def test_ports_to_import_from_are_numbers(tmp_path: Path) -> None:
    assert read_settings({}).import_ports == {443}
    assert read_settings({"VMKOPS_IMPORT_PORTS": "443, 8443"}).import_ports == {443, 8443}
    assert read_settings(written(tmp_path, "VMKOPS_IMPORT_PORTS = 8443\n")).import_ports == {8443}
    assert read_settings(written(tmp_path, "VMKOPS_IMPORT_PORTS = [443, 8443]\n")).import_ports == {443, 8443}
    for wrong in ("https", "0", "65536", "443-445"):
        with pytest.raises(SettingError, match="VMKOPS_IMPORT_PORTS"):
            read_settings({"VMKOPS_IMPORT_PORTS": wrong})


@pytest.mark.parametrize("name", ["VMKOPS_IMPORTS_DIR", "VMKOPS_IMPORT_CA_FILE"])
def test_path_that_does_not_exist_is_named_at_the_start(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError, match=name):
        read_settings({name: str(tmp_path / "absent")})


def test_packages_to_import_are_below_the_data_directory_unless_set_otherwise(tmp_path: Path) -> None:
    assert read_settings({"VMKOPS_DATA_DIR": str(tmp_path)}).inbox == tmp_path / "imports"
    assert read_settings({"VMKOPS_IMPORTS_DIR": str(tmp_path)}).inbox == tmp_path


def test_every_problem_of_the_file_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    text = """# what a tired person writes
VMKOPS_MAX_JOBS = "many"
VMKOPS_VCENTRE_URL = "https://vc.example.com"
VMKOPS_LOG_LEVEL = "loud"
VMKOPS_TLS_CERT = "/dev/null"

[vcenters.lab]
url = "http://vc.example.com"
pasword = "x"
secnds = 30

[vcenters."a b"]
url = "vc"
user = 1
password = "x"
seconds = 3
insecure = "perhaps"
"""
    environ = written(tmp_path, text)
    at = f"{environ['VMKOPS_CONFIG']}, line"
    with pytest.raises(SettingError) as refused:
        read_settings(environ)

    assert sorted(refused.value.problems) == sorted(
        [
            f"{at} 2: VMKOPS_MAX_JOBS: must be a whole number.",
            f"{at} 3: VMKOPS_VCENTRE_URL: is not a setting of vmkops; did you mean VMKOPS_VCENTER_URL?",
            f"{at} 4: VMKOPS_LOG_LEVEL: must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL.",
            "VMKOPS_TLS_KEY: is missing: TLS needs the certificate and its private key.",
            f"{at} 7: vcenters.lab: password and password_file are both missing. Set one of them.",
            f"{at} 7: vcenters.lab.user: is missing. Add it.",
            f"{at} 8: vcenters.lab.url: {HTTP}",
            f"{at} 9: vcenters.lab.pasword: is not a setting of a vCenter; did you mean password?",
            f"{at} 10: vcenters.lab.secnds: is not a setting of a vCenter; did you mean seconds?",
            f"{at} 12: vcenters.a b: {WORDS['string_pattern_mismatch']}",
            f"{at} 14: vcenters.a b.user: must be text, in quotes.",
            f"{at} 16: vcenters.a b.seconds: must be 25 or more.",
            f"{at} 17: vcenters.a b.insecure: must be true or false.",
        ]
    )


@pytest.mark.parametrize("model", [Settings, BotSettings, VCenterTable])
def test_no_wrong_value_is_explained_in_the_words_of_pydantic(model: type[BaseModel]) -> None:
    wrong = ["", "a b:/", -1, 10**30, 1.5, float("nan"), True, [], [1.5], [[]], {}, {"a": {}}, {"a": 1}]

    for name, field in model.model_fields.items():
        for value in wrong:
            try:
                model.model_validate({field.alias or name: value})
            except ValidationError as error:
                for each in error.errors(include_url=False):
                    assert in_words(each) != UNKNOWN_TYPE, (name, value, each)


def test_line_of_each_key_of_toml_is_found() -> None:
    text = 'top = """\n[not.a.table]\nx = 1\n"""\n\n["vcenters".lab]\n"url" = "a=b"\nlist = [\n  "one",\n]\n'
    text += "[[many]]\na.b = 1\n"

    found = lines_of(text)

    assert found["top",] == 1
    assert (found["vcenters", "lab"], found["vcenters", "lab", "url"], found["vcenters", "lab", "list"]) == (6, 7, 8)
    assert (found["many",], found["many", "a", "b"]) == (11, 12)
    assert line_of(found, ("vcenters", "lab", "user")) == 6
    assert line_of(found, ("other",)) is None
