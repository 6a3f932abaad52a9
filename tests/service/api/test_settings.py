"""What the settings of the service may hold; what is wrong is named together with how to fix it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.api.settings import read_settings
from service.errors import SettingError
from tests.service.api.test_settings_source import written

VCENTER = 'url = "vc.example.com"\nuser = "vmkops"\n'


def test_secret_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("p4ss\n")

    settings = read_settings({"VMKOPS_VCENTER_PASSWORD_FILE": str(tmp_path / "secret")})

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
    with pytest.raises(SettingError, match=r"VMKOPS_MAX_JOBS: .*; VMKOPS_REAP_SECONDS: "):
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
        (f'[vcenters.lab]\n{VCENTER}password = "x"\nca = "x"\n', "vcenters.lab.ca: is not a setting of this table"),
        (f'[vcenters."a/b"]\n{VCENTER}password = "x"\n', "vcenters.a/b"),
        ('[vcenters.lab]\nurl = "http://vc"\nuser = "me"\npassword = "x"\n', "like https://vcenter.example.com"),
    ],
)
def test_table_that_cannot_be_read_names_its_setting(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingError, match=re.escape(message)):
        read_settings(written(tmp_path, text))


def test_incomplete_vcenter_names_what_is_missing() -> None:
    settings = read_settings({"VMKOPS_VCENTER_URL": "vc.example.com", "VMKOPS_VCENTER_USER": "me"})
    with pytest.raises(SettingError, match="incomplete; missing: VMKOPS_VCENTER_PASSWORD"):
        settings.vcenters()


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
