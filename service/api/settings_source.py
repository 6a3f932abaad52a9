"""Where every setting comes from: the environment, then `vmkops.toml`; each as `NAME` or as `NAME_FILE`.

The service, the bot, the remote commands and the offline lookups all read their settings here:

- The environment goes before the file. `VMKOPS_CONFIG` names the file; the default is `vmkops.toml`, if it exists.
- `NAME_FILE` names a file that holds the value on one line. `NAME` and `NAME_FILE` in the same place are an error.
- White space around a value is removed, and an empty value counts as not set.

Imports are few, and what only the file needs is in `config_file`: `vmkops vmkerr` starts in milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from service.errors import SettingError

CONFIG = "VMKOPS_CONFIG"
DEFAULT_CONFIG = "vmkops.toml"
DEFAULT_DATA_DIR = "data"


def read_setting(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text of one setting; empty when it is not set. Raises SettingError.

    The file is only read when the environment does not have the setting.
    """
    value = pick(name, environ) or pick(name, read_config(environ))
    if not isinstance(value, str):
        raise _wrong(name, f"must be text. Put it in quotes in {environ.get(CONFIG) or DEFAULT_CONFIG}.")
    return value


def read_secret_file(setting: str, path: str) -> str:
    """The one line in the file that `setting` names; raises SettingError."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not loaded otherwise
            value = file.read().strip()
    except OSError as error:
        raise _wrong(setting, f"{path} cannot be read ({error.strerror}). Correct the path.") from error
    except ValueError as error:
        raise _wrong(setting, f"{path} is not UTF-8 text. Write the value on one line.") from error
    if not value or len(value.splitlines()) > 1:
        amount = "is empty" if not value else "has more than one line"
        raise _wrong(setting, f"{path} {amount}. Write the value on one line and nothing else.")
    return value


def pick(name: str, layer: Mapping[str, object]) -> object:
    """The value of a setting in one place, by itself or from the file that it names; empty when it is not there.

    Raises SettingError.
    """
    value, path = _stripped(layer.get(name, "")), _stripped(layer.get(f"{name}_FILE", ""))
    if path == "":
        return value
    if value != "":
        raise _wrong(name, f"is set, and {name}_FILE too. Keep one of them.")
    if not isinstance(path, str):
        raise _wrong(f"{name}_FILE", "must be the path of a file, in quotes.")
    return read_secret_file(f"{name}_FILE", path)


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def read_config(environ: Mapping[str, str]) -> dict[str, object]:
    """The settings in the file by their names in the environment, and `vcenters`; raises SettingError."""
    path, content = config_content(environ)
    if not content:
        return {}
    from service.api.config_file import settings_in

    return settings_in(content, path)


def config_content(environ: Mapping[str, str]) -> tuple[str, bytes]:
    """The path of the file and what is in it; nothing when it is not there and not named. Raises SettingError."""
    named = environ.get(CONFIG, "").strip()
    path = named or DEFAULT_CONFIG
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib is not loaded otherwise
            return path, file.read()
    except FileNotFoundError as error:
        if not named:
            return path, b""
        raise _wrong(CONFIG, f"there is no file {path}. Correct the path, or unset it.") from error
    except OSError as error:
        raise _wrong(CONFIG, f"{path} cannot be read ({error.strerror}). Correct its permissions.") from error


def _wrong(setting: str, explanation: str) -> SettingError:
    from service.errors import SettingError  # read only when something is wrong

    return SettingError(setting, explanation)
