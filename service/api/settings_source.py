"""Where every setting comes from: the environment, then `vmkops.toml`; each as `NAME` or as `NAME_FILE`.

The service, the bot, the remote commands and the offline lookups all read their settings here:

- The environment goes before the file. `VMKOPS_CONFIG` names the file; the default is `vmkops.toml`, if it is there.
- `NAME_FILE` names a file that holds the value on one line. `NAME` and `NAME_FILE` in the same place are an error.
- White space around a value is removed, and an empty value counts as not set.
- In the file, Slack's settings may also stand in the table `[slack]`, as `bot_token` for `SLACK_BOT_TOKEN`.

Only the standard library is imported, and most of that when it is needed: `vmkops vmkerr` starts in milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from service.errors import SettingError

CONFIG = "VMKOPS_CONFIG"
DEFAULT_CONFIG = "vmkops.toml"
DEFAULT_DATA_DIR = "data"
SLACK, VCENTERS = TABLES = ("slack", "vcenters")
"""The tables of the file: Slack's settings by short names, and several vCenters, each a table of its own."""

NAMES = (
    "SLACK_API_URL",
    "SLACK_APP_TOKEN",
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "VMKOPS_DATABASE_URL",
    "VMKOPS_DATA_DIR",
    "VMKOPS_IMPORTS_DIR",
    "VMKOPS_IMPORT_CA_FILE",
    "VMKOPS_IMPORT_HOSTS",
    "VMKOPS_LOG_LEVEL",
    "VMKOPS_LOOKUPS_PUBLIC",
    "VMKOPS_MAX_COPIES",
    "VMKOPS_MAX_JOBS",
    "VMKOPS_PARALLEL_DISKS",
    "VMKOPS_POST_THAW",
    "VMKOPS_PRE_FREEZE",
    "VMKOPS_PROCEDURES_DIR",
    "VMKOPS_REAP_SECONDS",
    "VMKOPS_SERVICE_URL",
    "VMKOPS_SLACK_OPERATORS",
    "VMKOPS_TOKEN",
    "VMKOPS_VCENTER_CA_FILE",
    "VMKOPS_VCENTER_INSECURE",
    "VMKOPS_VCENTER_PASSWORD",
    "VMKOPS_VCENTER_SECONDS",
    "VMKOPS_VCENTER_URL",
    "VMKOPS_VCENTER_USER",
)
"""Every setting there is. The typed models say what each may hold; this list is what can be known without them."""
PREFIXES = ("VMKOPS_", "SLACK_")


def read_setting(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text of one setting; empty when it is not set. Raises SettingError.

    The file is only read when the environment does not have the setting.
    """
    value = _pick(name, environ) or _pick(name, _read_config(environ))
    if not isinstance(value, str):
        raise _wrong(name, f"must be text. Put it in quotes in {_config_path(environ)}.")
    return value


def read_settings_of(names: Iterable[str], environ: Mapping[str, str] = os.environ) -> dict[str, object]:
    """Those of these settings that are set, by name, as they are written. Raises SettingError."""
    config = _read_config(environ)
    found = ((name, _pick(name, environ) or _pick(name, config)) for name in names)
    return {name: value for name, value in found if value != ""}


def misspelt(environ: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each name in the environment that looks like a setting of vmkops and is none.

    A name of Slack's is only reported when it resembles a setting: other programs have names with that prefix too.
    """
    sentences = []
    for name in sorted(environ):
        if not name.startswith(PREFIXES) or name == CONFIG or _is_known(name):
            continue
        near = _nearest(name)
        if near or name.startswith("VMKOPS_"):
            hint = f" Did you mean {near}?" if near else ""
            sentences.append(f"{name} is set in the environment, but vmkops has no such setting.{hint}")
    return sentences


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


def _pick(name: str, layer: Mapping[str, object]) -> object:
    """The value of a setting in one place, by itself or from the file that it names; empty when it is not there."""
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


def _config_path(environ: Mapping[str, str]) -> str:
    return environ.get(CONFIG, "").strip() or DEFAULT_CONFIG


def _read_config(environ: Mapping[str, str]) -> dict[str, object]:
    """The settings in the file by their names in the environment, and `vcenters`; raises SettingError."""
    path = _config_path(environ)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib is not loaded otherwise
            data = file.read()
    except FileNotFoundError as error:
        if not environ.get(CONFIG, "").strip():
            return {}
        raise _wrong(CONFIG, f"there is no file {path}. Correct the path, or unset it.") from error
    except OSError as error:
        raise _wrong(CONFIG, f"{path} cannot be read ({error.strerror}).") from error
    import tomllib

    try:
        table = tomllib.loads(data.decode())
    except ValueError as error:
        raise _wrong(CONFIG, f"{path} cannot be read as TOML: {error}.") from error
    return _by_name(table, path)


def _by_name(table: dict[str, object], path: str) -> dict[str, object]:
    slack = table.pop(SLACK, {})
    if not isinstance(slack, dict):
        raise _wrong(SLACK, f"must be a table in {path}: a line [slack], and bot_token = ... below it.")
    values = dict(table)
    unknown = [_guess(name) for name in table if name != VCENTERS and not _is_known(name)]
    for key, value in slack.items():
        name = f"SLACK_{key}".upper()
        if name in table:
            raise _wrong(name, f"is set twice in {path}, by its name and in [slack]. Keep one of them.")
        if not _is_known(name):
            unknown.append(_guess(name, f"[slack] {key}"))
        values[name] = value
    if unknown:
        several = "unknown settings" if len(unknown) > 1 else "an unknown setting"
        raise _wrong(CONFIG, f"{path} has {several}: {', '.join(unknown)}. Correct or remove what is unknown.")
    return values


def _is_known(name: str) -> bool:
    return name in NAMES or name.removesuffix("_FILE") in NAMES


def _guess(name: str, written: str = "") -> str:
    near = _nearest(name)
    if near and written:
        near = near.removeprefix("SLACK_").lower()
    return f"{written or name}{f' (did you mean {near}?)' if near else ''}"


def _nearest(name: str) -> str:
    """The setting or table that this name resembles most, compared without their prefixes; empty when none does."""
    from difflib import get_close_matches

    prefix = next((each for each in PREFIXES if name.upper().startswith(each)), "")
    known = {_without_prefix(each): each for each in (*TABLES, *NAMES, *(f"{base}_FILE" for base in NAMES))}
    candidates = [short for short, each in known.items() if each.startswith(prefix)]
    near = get_close_matches(_without_prefix(name.upper()), candidates, 1, 0.7)
    return known[near[0]] if near else ""


def _without_prefix(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name.upper()


def _wrong(setting: str, explanation: str) -> SettingError:
    from service.errors import SettingError  # read only when something is wrong

    return SettingError(setting, explanation)
