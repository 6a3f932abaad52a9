"""The settings of the Slack bot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import Field, SecretStr, field_validator

from service.api.settings_reading import read_all
from service.api.typed_settings import ClientSettings, HttpUrl, SettingError

__all__ = ["ONE_WAY_IN", "BotSettings", "SettingError"]

SLACK_SETTINGS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_API_URL")

ONE_WAY_IN = (
    "Set SLACK_APP_TOKEN (an app-level token, xapp-..., scope connections:write) for Socket Mode, "
    "or SLACK_SIGNING_SECRET (Basic Information page of the app) for signed HTTP."
)


class BotSettings(ClientSettings):
    """What the bot reads from outside. Socket Mode and signed HTTP are each on when their secret is set."""

    bot_token: SecretStr = Field(
        alias="SLACK_BOT_TOKEN",
        description="The bot token (`xoxb-...`). The bot starts with the service when this and one of the next two are "
        "set.",
    )
    public_url: HttpUrl | None = Field(default=None, alias="VMKOPS_PUBLIC_URL")
    app_token: SecretStr | None = Field(
        default=None,
        alias="SLACK_APP_TOKEN",
        description="The app-level token (`xapp-...`) for Socket Mode, which needs no access from the internet.",
    )
    signing_secret: SecretStr | None = Field(
        default=None,
        alias="SLACK_SIGNING_SECRET",
        description="The signing secret for signed HTTP at `/slack/events`.",
    )
    api_url: HttpUrl = Field(
        default="https://slack.com/api/",
        alias="SLACK_API_URL",
        description="Another Slack, such as GovSlack.",
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self | None:
        """The settings in this environment and in `vmkops.toml`; None when none of Slack's is set.

        Raises SettingError for one that is missing, unreadable or contradictory.
        """
        reading = read_all(SLACK_SETTINGS, environ)
        if reading.values or reading.failed:
            return cls.read(environ)
        if reading.errors:
            raise SettingError.all_of(reading.errors)
        return None

    @classmethod
    def contradictions(cls, values: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], str]]:
        """Tokens that are missing or of the wrong kind."""
        bot_token, app_token = (str(values.get(name, "")) for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"))
        if not bot_token:
            words = "is missing. Copy the bot token (xoxb-...) from the app's OAuth & Permissions page."
            yield ("SLACK_BOT_TOKEN",), words
        elif not bot_token.startswith("xoxb-"):
            yield ("SLACK_BOT_TOKEN",), "is not a bot token: one begins with xoxb-."
        if app_token and not app_token.startswith("xapp-"):
            yield ("SLACK_APP_TOKEN",), "is not an app-level token: one begins with xapp-."
        if not app_token and "SLACK_SIGNING_SECRET" not in values:
            yield ("SLACK_APP_TOKEN",), f"is missing, and so is SLACK_SIGNING_SECRET. {ONE_WAY_IN}"
        yield from super().contradictions(values)

    @field_validator("public_url")
    @classmethod
    def _no_slash(cls, value: str | None) -> str | None:
        return value and value.rstrip("/")

    @field_validator("api_url")
    @classmethod
    def _folder(cls, value: str) -> str:
        # slack_sdk joins the names of methods to it.
        return value.rstrip("/") + "/"
