"""The file `vmkops.toml`: every name that it may hold, and what a misspelt name was probably meant to be.

A setting has the name that it has in the environment. Slack's settings may also stand in the table `[slack]`, as
`bot_token` for `SLACK_BOT_TOKEN`; several vCenters are tables `[vcenters.NAME]`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches

from service.api.settings_source import CONFIG, DEFAULT_CONFIG, read_config
from service.errors import SettingError

SLACK, VCENTERS = TABLES = ("slack", "vcenters")
"""The tables of the file: Slack's settings by short names, and several vCenters, each a table of its own."""

NAMES = (
    "SLACK_API_URL",
    "SLACK_APP_TOKEN",
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "VMKOPS_ALLOWED_HOSTS",
    "VMKOPS_DATABASE_URL",
    "VMKOPS_DATA_DIR",
    "VMKOPS_DELTA_ROOM",
    "VMKOPS_IMPORTS_DIR",
    "VMKOPS_IMPORT_CA_FILE",
    "VMKOPS_IMPORT_HOSTS",
    "VMKOPS_IMPORT_HOSTS_ONLY",
    "VMKOPS_IMPORT_PORTS",
    "VMKOPS_JOB_RETENTION_DAYS",
    "VMKOPS_LOG_FORMAT",
    "VMKOPS_KEEP_FREE",
    "VMKOPS_LOG_LEVEL",
    "VMKOPS_LOOKUPS_PUBLIC",
    "VMKOPS_MAX_CONNECTIONS",
    "VMKOPS_MAX_COPIES",
    "VMKOPS_MAX_JOBS",
    "VMKOPS_METRICS_PORT",
    "VMKOPS_PARALLEL_DISKS",
    "VMKOPS_PARSER_MEMORY",
    "VMKOPS_PARSER_PROCESSES",
    "VMKOPS_PARSER_SECONDS",
    "VMKOPS_POST_THAW",
    "VMKOPS_PRE_FREEZE",
    "VMKOPS_PROCEDURES_DIR",
    "VMKOPS_PUBLIC_URL",
    "VMKOPS_RATE_LIMIT",
    "VMKOPS_REAP_SECONDS",
    "VMKOPS_SERVICE_CA_FILE",
    "VMKOPS_SCHEDULE_SECONDS",
    "VMKOPS_SERVICE_URL",
    "VMKOPS_REQUIRE_SIGNATURES",
    "VMKOPS_SIGNING_KEY",
    "VMKOPS_SLACK_OPERATORS",
    "VMKOPS_TLS_CERT",
    "VMKOPS_TLS_KEY",
    "VMKOPS_TOKEN",
    "VMKOPS_TRUSTED_PROXIES",
    "VMKOPS_VCENTER_CA_FILE",
    "VMKOPS_VCENTER_INSECURE",
    "VMKOPS_VCENTER_PASSWORD",
    "VMKOPS_VCENTER_SECONDS",
    "VMKOPS_VCENTER_URL",
    "VMKOPS_VCENTER_USER",
)
"""Every setting. The models define what each may hold; with this list the offline lookups need not import them."""
PREFIXES = ("VMKOPS_", "SLACK_")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|DATABASE_URL")
"""The names of the settings that are secret."""
KEY_FILES = ("VMKOPS_SIGNING_KEY", "VMKOPS_TLS_KEY")
"""The settings that name the file of a private key."""


def settings_in(content: bytes, path: str) -> dict[str, object]:
    """The settings in this TOML by their names in the environment, and `vcenters`; raises SettingError.

    `path` is the file that the content comes from, for messages.
    """
    try:
        table = tomllib.loads(content.decode())
    except ValueError as error:
        raise SettingError(CONFIG, f"{path} cannot be read as TOML: {error}.") from error
    return _by_name(table, path)


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


def files_with_secrets(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The files that hold settings or one secret, by the name of the setting that names each; raises SettingError."""
    config = read_config(environ)
    found = {CONFIG: environ.get(CONFIG, "").strip() or DEFAULT_CONFIG}
    for name in (f"{each}_FILE" for each in NAMES if SECRET.search(each)):
        path = environ.get(name) or config.get(name)
        if isinstance(path, str) and path.strip():
            found[name] = path.strip()
    for name in KEY_FILES:
        path = environ.get(name) or config.get(name)
        if isinstance(path, str) and path.strip():
            found[name] = path.strip()
    tables = config.get(VCENTERS)
    for vcenter, table in tables.items() if isinstance(tables, dict) else ():
        if isinstance(table, dict) and isinstance(table.get("password_file"), str):
            found[f"password_file of [{VCENTERS}.{vcenter}]"] = table["password_file"]
    return found


def _by_name(table: dict[str, object], path: str) -> dict[str, object]:
    slack = table.pop(SLACK, {})
    if not isinstance(slack, dict):
        raise SettingError(SLACK, f"must be a table in {path}: a line [slack], and bot_token = ... below it.")
    values = dict(table)
    unknown = [_guess(name) for name in table if name != VCENTERS and not _is_known(name)]
    for key, value in slack.items():
        name = f"SLACK_{key}".upper()
        if name in table:
            raise SettingError(name, f"is set twice in {path}, by its name and in [slack]. Keep one of them.")
        if not _is_known(name):
            unknown.append(_guess(name, f"[slack] {key}"))
        values[name] = value
    if unknown:
        several = "unknown settings" if len(unknown) > 1 else "an unknown setting"
        raise SettingError(CONFIG, f"{path} has {several}: {', '.join(unknown)}. Correct or remove what is unknown.")
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
    prefix = next((each for each in PREFIXES if name.upper().startswith(each)), "")
    known = {_without_prefix(each): each for each in (*TABLES, *NAMES, *(f"{base}_FILE" for base in NAMES))}
    candidates = [short for short, each in known.items() if each.startswith(prefix)]
    near = get_close_matches(_without_prefix(name.upper()), candidates, 1, 0.7)
    return known[near[0]] if near else ""


def _without_prefix(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name.upper()
