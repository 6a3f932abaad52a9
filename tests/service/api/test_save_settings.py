"""The save profiles in the settings: what is accepted, and what each mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.api.settings import read_settings
from service.errors import SettingError


def written(folder: Path, text: str) -> dict[str, str]:
    """An environment with this `vmkops.toml` and a password file."""
    (folder / "password").write_text("secret\n")
    (folder / "vmkops.toml").write_text(text.replace("FOLDER", str(folder)))
    return {"VMKOPS_CONFIG": str(folder / "vmkops.toml"), "VMKOPS_DATA_DIR": str(folder)}


RESTIC = '[save.nightly]\nkind = "restic"\nrepository = "s3:https://u:p@s3.example.com/vms"\n'


def test_profile_has_its_secrets_and_shows_none(tmp_path: Path) -> None:
    more = 'password_file = "FOLDER/password"\nenvironment_files = { AWS_SECRET_ACCESS_KEY = "FOLDER/password" }\n'
    settings = read_settings(written(tmp_path, f'VMKOPS_SAVE = "nightly"\n{RESTIC}{more}'))

    profile = settings.save_profiles()["nightly"]
    assert settings.default_save == "nightly"
    assert profile.secrets["AWS_SECRET_ACCESS_KEY"].get_secret_value() == "secret"
    assert profile.where == "restic, s3:https://REDACTED@s3.example.com/vms"


def test_command_of_the_environment_is_a_profile_and_the_default(tmp_path: Path) -> None:
    settings = read_settings({"VMKOPS_SAVE_COMMAND": "store", "VMKOPS_DATA_DIR": str(tmp_path)})

    assert settings.default_save == "command"
    assert settings.save_profiles()["command"].table.command == "store"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RESTIC, r"save\.nightly: needs password_file"),
        ('[save.x]\nkind = "borg"\n', r"save\.x: needs repository"),
        ('[save.x]\nkind = "command"\n', r"save\.x: needs command"),
        ('[save.x]\nkind = "zip"\n', r"save\.x\.kind: must be restic, borg, tar or command"),
        ('[save.x]\nkind = "tar"\nrepository = "/x"\ncommand = "y"\n', "command, restore and forget belong to kind"),
        ('[save.x]\nkind = "tar"\nrepositry = "/x"\n', "did you mean repository?"),
        ('[save.none]\nkind = "tar"\nrepository = "/x"\n', r"save\.none: is what a request asks for"),
        (
            'VMKOPS_SAVE = "x"\n[save.y]\nkind = "tar"\nrepository = "/x"\n',
            "VMKOPS_SAVE: is 'x', which is no save profile. There are: y.",
        ),
        (f'{RESTIC}password_file = "/nowhere"\n', r"save\.nightly\.password_file.* cannot be read"),
        (
            '[save.x]\nkind = "tar"\nrepository = "/x"\nenvironment_files = { TOKEN = "/nowhere" }\n',
            r"save\.x\.environment_files.* cannot be read",
        ),
    ],
)
def test_mistake_is_explained_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        read_settings(written(tmp_path, text))
