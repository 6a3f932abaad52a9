"""The file `vmkops.toml`: every name that it may hold, and what a misspelt name was probably meant to be.

A setting has the name that it has in the environment. Slack's settings may also stand in the table `[slack]`, as
`bot_token` for `SLACK_BOT_TOKEN`; several vCenters are tables `[vcenters.NAME]`, several services that the command line
can ask are tables `[services.NAME]`, save profiles are tables `[save.NAME]`, and copy targets `[copy.NAME]`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import NamedTuple

from service.api.config_lines import Key, line_of, lines_of
from service.api.settings_source import CONFIG, DEFAULT_CONFIG, config_content, read_config
from service.errors import SettingError

SLACK, VCENTERS, SERVICES, SAVE, COPY = TABLES = ("slack", "vcenters", "services", "save", "copy")
"""The tables of the file: Slack's settings by short names, and vCenters, services, save profiles and copy targets, each
a table of its own."""

TABLE_KEYS = {
    VCENTERS: ("vCenter", ("url", "user", "password", "password_file", "ca_file", "insecure", "seconds")),
    SERVICES: ("service", ("url", "token", "token_file", "ca_file")),
    SAVE: (
        "save profile",
        (
            *("kind", "repository", "password_file", "program", "environment", "environment_files", "command"),
            *("restore", "forget", "seconds", "idle_seconds"),
        ),
    ),
    COPY: (
        "copy target",
        ("kind", "remote", "config_file", "program", "path", "keep", "seconds", "idle_seconds"),
    ),
}
"""What a table such as `[vcenters.NAME]` is about, and the keys that it may have."""

NAMES = (
    "SLACK_API_URL",
    "SLACK_APP_TOKEN",
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "VMKOPS_ALLOWED_HOSTS",
    "VMKOPS_COPY_TO",
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
    "VMKOPS_MOUNT_DIR",
    "VMKOPS_MOUNT_LEASE_HOURS",
    "VMKOPS_PARALLEL_DISKS",
    "VMKOPS_PARSER_MEMORY",
    "VMKOPS_PARSER_PROCESSES",
    "VMKOPS_PARSER_SECONDS",
    "VMKOPS_SEND_SECONDS",
    "VMKOPS_POST_THAW",
    "VMKOPS_PRE_FREEZE",
    "VMKOPS_PROCEDURES_DIR",
    "VMKOPS_PROFILE",
    "VMKOPS_PUBLIC_URL",
    "VMKOPS_RATE_LIMIT",
    "VMKOPS_REAP_SECONDS",
    "VMKOPS_SAVE",
    "VMKOPS_SAVE_COMMAND",
    "VMKOPS_SERVICE_CA_FILE",
    "VMKOPS_SCHEDULE_SECONDS",
    "VMKOPS_MAX_SCHEDULES",
    "VMKOPS_MAX_FLEETS",
    "VMKOPS_METRICS_VM_NAMES",
    "VMKOPS_SERVICE_URL",
    "VMKOPS_REPORT_CHANNELS",
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
GIVEN = (
    *(CONFIG, "VMKOPS_COLOR", "VMKOPS_LOCAL", "VMKOPS_PAGER"),
    *("VMKOPS_VM_NAME", "VMKOPS_VM_UUID", "VMKOPS_VM_MOREF", "VMKOPS_VM_VCENTER", "VMKOPS_JOB_ID"),
    *("VMKOPS_DISK_NAME", "VMKOPS_DISK_SIZE", "VMKOPS_BACKUP_TIME", "VMKOPS_ARCHIVE"),
)
"""Names in the environment that are no settings: where the file is, how a terminal shows answers, and what the commands
around a snapshot and save commands get."""


class ConfigFile(NamedTuple):
    """What is in the file, and what is wrong with its names."""

    path: str
    values: dict[str, object]
    """The settings by their names in the environment, and the tables `vcenters`, `services`, `save` and `copy`."""
    lines: dict[Key, int]
    errors: list[SettingError]

    def place(self, key: Key) -> str:
        """Where in the file this key is, or the table around it: `vmkops.toml, line 3`."""
        short = ("slack", key[0].removeprefix("SLACK_").lower())
        line = self.lines.get(key) or self.lines.get(short) or line_of(self.lines, key)
        return f"{self.path}, line {line}" if line else self.path


def settings_in(content: bytes, path: str) -> dict[str, object]:
    """The settings in this TOML by their names in the environment, and `vcenters`; raises SettingError.

    `path` is the file that the content comes from, for messages.
    """
    file = parse(content, path)
    if file.errors:
        raise SettingError.all_of(file.errors)
    return file.values


def read_file(environ: Mapping[str, str] = os.environ) -> ConfigFile:
    """The file that VMKOPS_CONFIG names, or `vmkops.toml`; an empty one when there is none. Raises SettingError.

    What is wrong with single names is in `errors`, and not raised.
    """
    path, content = config_content(environ)
    return parse(content, path)


def parse(content: bytes, path: str) -> ConfigFile:
    """Read TOML as `read_file` does."""
    try:
        text = content.decode()
    except ValueError as error:
        raise SettingError(CONFIG, f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    try:
        table = tomllib.loads(text)
    except ValueError as error:
        raise SettingError(CONFIG, f"{path} cannot be read as TOML: {error}. Correct that line.") from error
    file = ConfigFile(path, {}, lines_of(text), [])
    _by_name(table, file)
    return file


def misspelt(environ: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each name in the environment that looks like a setting of vmkops and is none.

    A name of Slack's is only reported when it resembles a setting: other programs have names with that prefix too.
    """
    sentences = []
    for name in sorted(environ):
        if not name.startswith(PREFIXES) or name in GIVEN or _is_known(name):
            continue
        near = nearest(name)
        if near or name.startswith("VMKOPS_"):
            sentences.append(f"{name} is not a setting of vmkops{_hint(near)}")
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
    secrets = ((VCENTERS, "password_file"), (SERVICES, "token_file"), (SAVE, "password_file"), (COPY, "config_file"))
    for kind, key in secrets:
        tables = config.get(kind)
        for one, table in tables.items() if isinstance(tables, dict) else ():
            if isinstance(table, dict) and isinstance(table.get(key), str):
                found[f"{key} of [{kind}.{one}]"] = table[key]
    return found


def _by_name(table: dict[str, object], file: ConfigFile) -> None:
    """Put the settings of the table into the file by their names, and what is wrong with their names."""

    def wrong(name: str, explanation: str, key: Key) -> None:
        file.errors.append(SettingError(name, explanation, file.place(key)))

    for place, name in _misplaced(table):
        found = name if _is_known(name) else nearest(name)
        spelt = "" if found == name else f", as {found}"
        where = f"[{'.'.join(place)}]"
        wrong(name, f"stands in the table {where}. Move it above the first line in brackets{spelt}.", (*place, name))
    slack = table.pop(SLACK, {})
    file.values.update(table)
    for name in table:
        if name not in TABLES and not _is_known(name):
            wrong(name, f"is not a setting of vmkops{_hint(nearest(name))}", (name,))
    if not isinstance(slack, dict):
        wrong(SLACK, "must be a table: a line [slack], and bot_token = ... below it.", (SLACK,))
        slack = {}
    for key, value in slack.items():
        name = f"SLACK_{key}".upper()
        if name in table:
            wrong(name, "is set twice, by its name and in [slack]. Keep one of them.", (SLACK, key))
        if not _is_known(name):
            near = nearest(name).removeprefix("SLACK_").lower()
            wrong(f"[slack] {key}", f"is not a setting of vmkops{_hint(near)}", (SLACK, key))
        file.values[name] = value


def _misplaced(table: dict[str, object], place: Key = ()) -> list[tuple[Key, str]]:
    """Take the settings out of the tables, where they do not belong; the table and the name of each.

    A name that is misspelt counts when it resembles a setting. What `environment` of a save profile has is for the
    program of the profile.
    """
    found: list[tuple[Key, str]] = []
    for name, value in list(table.items()):
        if isinstance(value, dict):
            found += [] if place[:1] == (SAVE,) and name == "environment" else _misplaced(value, (*place, name))
        elif place and name.startswith(PREFIXES) and (_is_known(name) or nearest(name)):
            found.append((place, name))
            del table[name]
    return found


def _is_known(name: str) -> bool:
    return name in NAMES or name.removesuffix("_FILE") in NAMES


def _hint(near: str) -> str:
    """The end of the sentence about an unknown name: the name that was probably meant, or what to do."""
    return f"; did you mean {near}?" if near else ". Remove it, or correct its name."


def nearest(name: str) -> str:
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
