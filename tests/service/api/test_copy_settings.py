"""The copy targets in the settings: what is accepted, and what each mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.api.settings import read_settings
from service.errors import SettingError


def written(folder: Path, text: str) -> dict[str, str]:
    """An environment with this `vmkops.toml` and an rclone.conf."""
    (folder / "rclone.conf").write_text("[offsite]\ntype = s3\n")
    (folder / "vmkops.toml").write_text(text.replace("FOLDER", str(folder)))
    return {"VMKOPS_CONFIG": str(folder / "vmkops.toml"), "VMKOPS_DATA_DIR": str(folder)}


OFFSITE = '[copy.offsite]\nkind = "rclone"\nremote = "offsite:bucket/vms/"\nconfig_file = "FOLDER/rclone.conf"\n'
NAS = '[copy.nas]\nkind = "directory"\npath = "/mnt/nas"\n'


def test_targets_are_read_with_their_retention(tmp_path: Path) -> None:
    text = f'VMKOPS_COPY_TO = "nas, offsite nas"\n{OFFSITE}keep = "7d,4w,6m"\n{NAS}'
    settings = read_settings(written(tmp_path, text))

    targets = settings.copy_targets()
    assert settings.copy_to == ("nas", "offsite")
    assert (targets["offsite"].where, targets["nas"].where) == ("rclone, offsite:bucket/vms", "/mnt/nas")
    assert targets["offsite"].table.keep == "7d,4w,6m"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[copy.x]\nkind = "rclone"\nremote = "a:b"\n', r"copy\.x: needs config_file"),
        ('[copy.x]\nkind = "rclone"\n', r"copy\.x: needs remote"),
        ('[copy.x]\nkind = "directory"\n', r"copy\.x: needs path"),
        ('[copy.x]\nkind = "directory"\npath = "here"\n', "not absolute"),
        ('[copy.x]\nkind = "tape"\n', r"copy\.x\.kind: must be rclone or directory"),
        (f"{OFFSITE}keep = '7x'\n", r"copy\.offsite\.keep: does not say what to keep"),
        (f"{OFFSITE}path = '/mnt'\n", "takes no path"),
        (f"{NAS}remote = 'a:b'\n", "takes no remote"),
        (OFFSITE.replace("offsite:bucket", "--config=x:y"), "is no remote of rclone.conf"),
        (OFFSITE.replace("offsite:bucket", "/etc"), "is no remote of rclone.conf"),
        (OFFSITE.replace("rclone.conf", "nowhere.conf"), r"copy\.offsite\.config_file.*cannot be read"),
        (
            f'VMKOPS_COPY_TO = "nsa"\n{NAS}',
            r"VMKOPS_COPY_TO: is 'nsa', which is no copy target\. Did you mean nas\? There are: nas\.",
        ),
        (f"{NAS}kep = '7d'\n", "did you mean keep?"),
        (NAS.replace("/mnt/nas", "FOLDER/backups/web-01"), r"copy\.nas\.path: .* is in the data directory"),
    ],
)
def test_mistake_is_explained_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        read_settings(written(tmp_path, text))
