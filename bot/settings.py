"""The settings of the bot: the environment first, then `vmkops.toml`; read once into a frozen value."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "VMKOPS_TOKEN")
SLACK_SETTINGS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_API_URL")
NAMES = (*SLACK_SETTINGS, "VMKOPS_SERVICE_URL", "VMKOPS_TOKEN")

ONE_WAY_IN = (
    "Set SLACK_APP_TOKEN (an app-level token, xapp-..., scope connections:write) for Socket Mode, "
    "or SLACK_SIGNING_SECRET (Basic Information page of the app) for signed HTTP."
)


class SettingsError(Exception):
    """A setting of the bot is missing, wrong or contradictory; the message names it and says how to mend it."""

    def __init__(self, setting: str, mend: str) -> None:
        super().__init__(f"{setting}: {mend}")
        self.setting = setting


class BotSettings(BaseModel):
    """What the bot reads from outside. Each way in is open when its secret is there; both may be."""

    model_config = ConfigDict(frozen=True)

    bot_token: SecretStr
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    api_url: str = "https://slack.com/api/"
    service_url: str = "http://127.0.0.1:8080"
    service_token: SecretStr | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self | None:
        """The settings in this environment and in the file that VMKOPS_CONFIG names; None without any of Slack's.

        Raises SettingsError for one that is missing, unreadable or contradictory; a secret is never repeated.
        """
        values = _from_file(environ) | _from_environ(environ)
        if not any(name in values for name in SLACK_SETTINGS):
            return None
        _check(values)
        fields = {
            "bot_token": values["SLACK_BOT_TOKEN"],
            "app_token": values.get("SLACK_APP_TOKEN"),
            "signing_secret": values.get("SLACK_SIGNING_SECRET"),
            "service_token": values.get("VMKOPS_TOKEN"),
        }
        if api_url := values.get("SLACK_API_URL"):
            fields["api_url"] = api_url.rstrip("/") + "/"
        if service_url := values.get("VMKOPS_SERVICE_URL"):
            fields["service_url"] = service_url
        return cls.model_validate(fields)


def _from_environ(environ: Mapping[str, str]) -> dict[str, str]:
    values = {name: environ[name].strip() for name in NAMES if environ.get(name, "").strip()}
    for name in SECRETS:
        path = environ.get(f"{name}_FILE", "").strip()
        if not path:
            continue
        if name in values:
            raise SettingsError(name, f"is set, and {name}_FILE too. Keep one of them.")
        values[name] = _secret(f"{name}_FILE", path)
    return values


def _from_file(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings in the file: by their names at the top, Slack's also as `[slack] bot_token = ...`."""
    named = environ.get("VMKOPS_CONFIG", "").strip()
    path = Path(named or "vmkops.toml")
    if not path.is_file():
        if named:
            raise SettingsError("VMKOPS_CONFIG", f"there is no file {path}. Correct the path, or unset it.")
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError("VMKOPS_CONFIG", f"{path} cannot be read as TOML: {error}") from error
    written: dict[str, Any] = {name: value for name, value in table.items() if not isinstance(value, dict)}
    slack = table.get("slack", {})
    for key, value in slack.items() if isinstance(slack, dict) else ():
        name = f"SLACK_{key}".upper()
        if name.removesuffix("_FILE") not in SLACK_SETTINGS:
            known = ", ".join(name.removeprefix("SLACK_").lower() for name in SLACK_SETTINGS)
            raise SettingsError(f"[slack] {key}", f"in {path} is no setting. There are {known}.")
        written[name] = value
    return _from_environ({name: str(value) for name, value in written.items()})


def _secret(setting: str, path: str) -> str:
    try:
        value = Path(path).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(setting, f"{path} cannot be read ({type(error).__name__}).") from error
    if not value or "\n" in value:
        raise SettingsError(setting, f"{path} must hold the secret on one line and nothing else.")
    return value


def _check(values: Mapping[str, str]) -> None:
    bot_token = values.get("SLACK_BOT_TOKEN", "")
    app_token = values.get("SLACK_APP_TOKEN", "")
    if not bot_token:
        raise SettingsError(
            "SLACK_BOT_TOKEN", "is missing. Copy the bot token (xoxb-...) from the app's OAuth & Permissions page."
        )
    if not bot_token.startswith("xoxb-"):
        raise SettingsError("SLACK_BOT_TOKEN", "is not a bot token: one begins with xoxb-.")
    if app_token and not app_token.startswith("xapp-"):
        raise SettingsError("SLACK_APP_TOKEN", "is not an app-level token: one begins with xapp-.")
    if not app_token and "SLACK_SIGNING_SECRET" not in values:
        raise SettingsError("SLACK_APP_TOKEN", f"is missing, and so is SLACK_SIGNING_SECRET. {ONE_WAY_IN}")
    for name in ("SLACK_API_URL", "VMKOPS_SERVICE_URL"):
        parts = urlsplit(values.get(name, "https://example.com"))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingsError(name, "is not a URL. Write it in full, such as https://slack.com/api/.")
