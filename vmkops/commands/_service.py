"""Which service the shell asks, and with which token.

The URL: `--service` or VMKOPS_PROFILE, then VMKOPS_SERVICE_URL. The token: that of the table `[services.NAME]`, then
VMKOPS_TOKEN or VMKOPS_TOKEN_FILE in the environment, then what `vmkops login` kept for the URL. A token in vmkops.toml
outside of the tables is for VMKOPS_SERVICE_URL alone: it never goes to a service that was chosen in another way.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from service.api.config_file import SERVICES
from service.api.settings_source import CONFIG, DEFAULT_CONFIG, read_config
from service.api.typed_settings import ClientSettings, ServiceTable, http_url
from service.errors import SettingError
from vmkops.commands._general import SERVICE_SETTING, asked_by
from vmkops.commands._logins import read_login
from vmkops.commands._near import did_you_mean, shown

OUTSIDE = ("VMKOPS_TOKEN", "VMKOPS_TOKEN_FILE")
"""The settings of the token, which hold for any service without a token of its own when they are in the environment."""


class Chosen(NamedTuple):
    """A service, and how to speak to it."""

    url: str
    ca_file: Path | None
    profile: str
    """The name of its table, or empty."""
    own_token: str | None
    """The token of the settings; None when there is only that of `vmkops login`, or none."""

    @property
    def token(self) -> str | None:
        """The token to send; raises SettingError when a kept one cannot be used."""
        return self.own_token or read_login(self.url)


def chosen(environ: Mapping[str, str] = os.environ) -> Chosen:
    """The service that the settings choose; raises SettingError, for an unknown name with those that there are."""
    settings = ClientSettings.read(environ)
    name = settings.profile
    if not name:
        return Chosen(settings.service_url, settings.service_ca_file, "", settings.token)
    outside = settings.token if any(environ.get(each, "").strip() for each in OUTSIDE) else None
    table = settings.service_tables.get(name)
    profile = name if table else ""
    if table is None and "://" in name:
        profile, table = _of_url(name, settings)
    if table is None:
        raise SettingError(asked_by(SERVICE_SETTING), _unknown(name, settings))
    return Chosen(table.url, table.ca_file or settings.service_ca_file, profile, table.secret() or outside)


class Asked(NamedTuple):
    """The service that completion asks by itself."""

    url: str
    token: str | None
    ca_file: Path | None


def chosen_for_completion(environ: Mapping[str, str] = os.environ) -> Asked | None:
    """The service to ask for names while a person types; None when there is none to trust. Raises SettingError.

    Nobody decided to use a `vmkops.toml` that is there only because the person is in its folder. When others can write
    it, it does not count. When it changes which service is asked, only a token that is written in it goes there: not
    one of the environment, of `vmkops login`, or of a file that it names. A file in VMKOPS_CONFIG counts in full.
    """
    if environ.get(CONFIG, "").strip():
        return _with_token(chosen(environ))
    without_file = {**environ, CONFIG: os.devnull}
    if not _is_mine(Path(DEFAULT_CONFIG)):
        return _with_token(chosen(without_file))
    bare = {name: value for name, value in environ.items() if name not in OUTSIDE}
    of_file = chosen(bare)
    try:
        mine = chosen(without_file)
    except SettingError:  # the profile is a table of the file
        mine = None
    if mine is not None and mine.url != of_file.url:
        mine = None
    if mine is not None and mine.token:
        return _with_token(mine)
    if of_file.own_token in _written_tokens(read_config(environ)):
        return Asked(of_file.url, of_file.own_token, of_file.ca_file)
    return None if mine is None else _with_token(mine)


def _with_token(service: Chosen) -> Asked:
    return Asked(service.url, service.token, service.ca_file)


def _is_mine(path: Path) -> bool:
    """Whether only this person can change the file."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_uid == os.getuid()
        and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def _written_tokens(config: Mapping[str, object]) -> list[object]:
    """The tokens that are in the file itself."""
    tables = config.get(SERVICES)
    places = [config, *(tables.values() if isinstance(tables, dict) else ())]
    found = [each.get(key) for each in places if isinstance(each, dict) for key in ("VMKOPS_TOKEN", "token")]
    return [each.strip() for each in found if isinstance(each, str) and each.strip()]


def _of_url(url: str, settings: ClientSettings) -> tuple[str, ServiceTable]:
    """The table with this URL and its name; otherwise one with the URL alone, or with the general settings for it."""
    try:
        http_url(url)
    except ValueError as error:
        raise SettingError(asked_by(SERVICE_SETTING), str(error)) from None
    plain = url.rstrip("/")
    named = ((name, each) for name, each in settings.service_tables.items() if each.url.rstrip("/") == plain)
    if found := next(named, None):
        return found
    general = settings.service_token if settings.service_url.rstrip("/") == plain else None
    return "", ServiceTable(url=url, token=general)


def _unknown(name: str, settings: ClientSettings) -> str:
    there = list(settings.service_tables)
    known = f"There are: {', '.join(there)}." if there else "vmkops.toml has no table [services.NAME] yet."
    message = f"there is no service {shown(name)} in vmkops.toml.{did_you_mean(name, there)} {known}"
    if "." in name or ":" in name or name == "localhost":
        return f"{message} An address begins with https:// or http://, such as http://{shown(name)}."
    return f"{message} Add a table [services.{shown(name)}] with its url, or write a URL instead of a name."
