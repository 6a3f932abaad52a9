"""The settings: the environment first, then the file; what is wrong names itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.api.settings import read_settings
from service.errors import SettingMissing


def written(folder: Path, text: str) -> dict[str, str]:
    """An environment that names a file with this text."""
    path = folder / "vmkops.toml"
    path.write_text(text)
    return {"VMKOPS_CONFIG": str(path)}


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    environ = written(tmp_path, 'VMKOPS_VCENTER_USER = "file"\nVMKOPS_VCENTER_URL = "vc.example.com"\n')

    settings = read_settings({**environ, "VMKOPS_VCENTER_USER": "environment"})

    assert settings.vcenter_user == "environment"
    assert settings.vcenter_url == "https://vc.example.com"


def test_secret_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("p4ss\n")

    settings = read_settings({"VMKOPS_VCENTER_PASSWORD_FILE": str(tmp_path / "secret")})

    assert settings.vcenter_password is not None
    assert settings.vcenter_password.get_secret_value() == "p4ss"
    assert "p4ss" not in repr(settings)


def test_misspelt_setting_in_the_file_is_named_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(SettingMissing, match="VMKOPS_VCENTER_URI; did you mean VMKOPS_VCENTER_URL"):
        read_settings(written(tmp_path, 'VMKOPS_VCENTER_URI = "https://vc.example.com"\n'))


def test_file_may_hold_the_settings_of_the_bot(tmp_path: Path) -> None:
    assert read_settings(written(tmp_path, 'SLACK_BOT_TOKEN = "xoxb-1"\n[slack]\n')).vcenter_url is None


@pytest.mark.parametrize("text", ["VMKOPS_DATA_DIR = ", "\x00", "[[[["])
def test_file_that_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingMissing, match="TOML"):
        read_settings(written(tmp_path, text))


def test_operators_are_separated_by_spaces_or_commas() -> None:
    settings = read_settings({"VMKOPS_SLACK_OPERATORS": "U1, U2 U3"})

    assert settings.slack_operators == {"U1", "U2", "U3"}


VCENTER = 'url = "vc.example.com"\nuser = "vmkops"\n'


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
    ("text", "said"),
    [
        ('[vcenters.lab]\nuser = "vmkops"\npassword = "x"\n', "vcenters.lab.url"),
        (f"[vcenters.lab]\n{VCENTER}", "either password or password_file"),
        (f'[vcenters.lab]\n{VCENTER}password_file = "/nowhere"\n', "/nowhere, which cannot be read"),
        (f'[vcenters.lab]\n{VCENTER}password = "x"\nca = "x"\n', "vcenters.lab.ca"),
        (f'[vcenters."a/b"]\n{VCENTER}password = "x"\n', "vcenters.a/b"),
        ('[vcenters.lab]\nurl = "http://vc"\nuser = "me"\npassword = "x"\n', "like https://vcenter.example.com"),
    ],
)
def test_table_that_cannot_be_read_names_its_setting(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingMissing, match=re.escape(said)):
        read_settings(written(tmp_path, text))


def test_vcenter_set_by_halves_names_what_lacks() -> None:
    settings = read_settings({"VMKOPS_VCENTER_URL": "vc.example.com", "VMKOPS_VCENTER_USER": "me"})
    with pytest.raises(SettingMissing, match="VMKOPS_VCENTER_PASSWORD lacks"):
        settings.vcenters()


def test_hosts_to_import_from_are_names_alone() -> None:
    settings = read_settings({"VMKOPS_IMPORT_HOSTS": "Images.example.com., 10.0.0.5"})

    assert settings.import_hosts == {"images.example.com", "10.0.0.5"}
    for wrong in ("https://images.example.com", "images.example.com/x", "10.0.0.5:443"):
        with pytest.raises(SettingMissing, match="VMKOPS_IMPORT_HOSTS"):
            read_settings({"VMKOPS_IMPORT_HOSTS": wrong})


@pytest.mark.parametrize("name", ["VMKOPS_IMPORTS_DIR", "VMKOPS_IMPORT_CA_FILE"])
def test_path_that_is_not_there_is_named_at_the_start(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingMissing, match=name):
        read_settings({name: str(tmp_path / "absent")})


def test_packages_to_import_are_below_the_data_directory_unless_said_otherwise(tmp_path: Path) -> None:
    assert read_settings({"VMKOPS_DATA_DIR": str(tmp_path)}).inbox == tmp_path / "imports"
    assert read_settings({"VMKOPS_IMPORTS_DIR": str(tmp_path)}).inbox == tmp_path
