"""What the code behind a slash command or a button gets: who asked, where, and the clients to work with."""

from __future__ import annotations

from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.confirmations import Confirmations
from bot.jobs.updates import JobUpdates
from service.api.client import ServiceClient


@dataclass(frozen=True, kw_only=True, slots=True)
class Deps:
    """What every command and button works with."""

    service: ServiceClient
    slack: AsyncWebClient
    updates: JobUpdates
    confirmations: Confirmations


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One command or click: the Slack ids of the user and the channel, and the trigger id of the request.

    The trigger id is unique for each request, so it also serves as the idempotency key of a job.
    """

    user: str
    channel: str
    trigger_id: str
    deps: Deps
    typed: str = ""
    """What the user has typed into the text field of the card whose button was pressed; empty without such a field."""

    @property
    def on_behalf_of(self) -> str:
        """The user as the service names people, such as `slack:U012AB3CD`."""
        return f"slack:{self.user}"

    @property
    def mention(self) -> str:
        """The user as Slack's mrkdwn mentions people, such as `<@U012AB3CD>`."""
        return f"<@{self.user}>"
