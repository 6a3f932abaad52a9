"""The options that stand before any command, or anywhere after a command that can ask a service."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

COLORS = ("auto", "always", "never")
HELP = """General options, before the command:
  --service NAME_OR_URL  the service to ask: the name of a table [services.NAME] of vmkops.toml, or its URL
  --local                look up in the tables and pages of this computer alone, and not in those of a service
  --color WHEN           auto (the default: on a terminal, without NO_COLOR), always or never
  --no-pager             print long answers at once; VMKOPS_PAGER or PAGER names another pager"""

SERVICE_SETTING = "VMKOPS_PROFILE"
_TAKES = {
    "--service": SERVICE_SETTING,
    "--local": "VMKOPS_LOCAL",
    "--color": "VMKOPS_COLOR",
    "--no-pager": "VMKOPS_PAGER",
}
"""What each is for the rest of this process, which reads it from the environment."""
GENERAL = tuple(_TAKES)
"""The names of these options."""
_SWITCHES = {"--local": "1", "--no-pager": "cat"}
"""What those are that take no value."""
_typed: dict[str, str] = {}
"""The options of this command line, by the setting that each is."""


def asked_by(setting: str) -> str:
    """What the person wrote for a setting: the option of this command line, or the name of the setting."""
    return _typed.get(setting, setting)


def choose(service: str, environ: MutableMapping[str, str] = os.environ) -> None:
    """Let the rest of this process ask this service, as `--service` does: a URL or the name of one."""
    environ[SERVICE_SETTING] = service
    _typed[SERVICE_SETTING] = "SERVICE"


def take_leading(words: list[str], environ: MutableMapping[str, str] = os.environ) -> str:
    """Take these options from the front of `words` into `environ`; the mistake, or nothing."""
    while words and _option(words[0]) in _TAKES:
        if mistake := _take(words, 0, environ):
            return mistake
    return ""


def take_all(words: list[str], environ: MutableMapping[str, str] = os.environ) -> str:
    """Take these options from all of `words` up to `--`; the mistake, or nothing."""
    place = 1
    while place < len(words) and words[place] != "--":
        if _option(words[place]) in _TAKES:
            if mistake := _take(words, place, environ):
                return mistake
        else:
            place += 1
    return ""


def _take(words: list[str], place: int, environ: MutableMapping[str, str]) -> str:
    word = words.pop(place)
    option, (_, equals, value) = _option(word), word.partition("=")
    if option in _SWITCHES:
        environ[_TAKES[option]] = _SWITCHES[option]
        return ""
    if not equals:
        value = words.pop(place) if place < len(words) else ""
    if not value:
        return f"{option} needs a value"
    if option == "--color" and value not in COLORS:
        return f"--color is one of: {', '.join(COLORS)}"
    environ[_TAKES[option]] = value
    _typed[_TAKES[option]] = option
    return ""


def _option(word: str) -> str:
    """The name of the option in this word, with dashes."""
    return word.partition("=")[0].replace("_", "-")
