"""How commands that are part of the service read its settings: everything that is wrong at once."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from service.api.words import printable_lines
from service.errors import SettingError

if TYPE_CHECKING:
    from bot.settings import BotSettings
    from service.api.settings import Settings

T = TypeVar("T")
log = logging.getLogger(__name__)
_told: set[str] = set()


def service_settings(environ: Mapping[str, str] = os.environ) -> tuple[Settings, BotSettings | None]:
    """The settings of the service and of its Slack bot, None without Slack's; raises one SettingError for all."""
    from bot.settings import BotSettings
    from service.api.settings import Settings

    errors: list[SettingError] = []
    settings = _read(lambda: Settings.read(environ), errors)
    slack = _read(lambda: BotSettings.from_environment(environ), errors)
    if settings is None or errors:
        raise SettingError.all_of(errors)
    return settings, slack


def all_problems(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Everything that is wrong with the settings of the service, the bot and the commands, a sentence or two each."""
    from service.api.typed_settings import ClientSettings

    errors: list[SettingError] = []
    _read(lambda: service_settings(environ), errors)
    _read(lambda: ClientSettings.read(environ), errors)
    if not errors:
        from vmkops.commands._service import chosen

        _read(lambda: chosen(environ).token, errors)
    return SettingError.all_of(errors).problems if errors else ()


def log_misspelt(environ: Mapping[str, str] = os.environ) -> None:
    """Write a warning to the log for each name in the environment that looks like a setting and is none."""
    for sentence in untold(environ):
        log.warning("settings: %s", sentence)


def print_misspelt(environ: Mapping[str, str] = os.environ) -> None:
    """Print these warnings on standard error: for a command without a log, or before there is one."""
    for sentence in untold(environ):
        print(printable_lines(f"warning: {sentence}"), file=sys.stderr)


def untold(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The sentences of `misspelt` that this process has not reported yet."""
    from service.api.config_file import misspelt

    found = [each for each in misspelt(environ) if each not in _told]
    _told.update(found)
    return found


def _read(read: Callable[[], T], errors: list[SettingError]) -> T | None:
    try:
        return read()
    except SettingError as error:
        errors.append(error)
        return None
