"""The Slack thread of a job: an announcement in a channel, and one card in the thread below it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import Message
from service.api.client import Job, Problem

NOT_A_MEMBER = {"not_in_channel", "channel_not_found"}
INVITE = "Type `/invite @vmkops` here and repeat the command, or use a channel that vmkops is a member of"


class CannotPost(Exception):
    """Slack refuses the bot's message; `problem` says why and what to do."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        if error in NOT_A_MEMBER:
            self.problem = Problem(
                title="vmkops cannot post in this channel",
                status=403,
                detail="A job is shown in a thread, and vmkops is not a member of this channel. Nothing was started.",
                suggestions=[INVITE],
            )
        else:
            self.problem = Problem(
                title="Slack refused the message",
                status=502,
                detail=f"Slack's error is {error}. Nothing was started.",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class JobThread:
    """The two messages of a job and the user who requested it. The service stores it as the job's reply address."""

    channel: str
    announcement_ts: str
    card_ts: str
    user: str

    def as_reply_to(self) -> dict[str, Any]:
        """This thread as `reply_to` of a job: `{"slack": {"channel", "announcement_ts", "card_ts", "user"}}`."""
        return {"slack": asdict(self)}

    @classmethod
    def of(cls, job: Job) -> Self | None:
        """The thread of a job; None for a job that was not requested in Slack."""
        address = (job.reply_to or {}).get("slack")
        names = ("channel", "announcement_ts", "card_ts", "user")
        if not isinstance(address, dict) or not all(isinstance(address.get(name), str) for name in names):
            return None
        return cls(**{name: address[name] for name in names})


async def open_thread(
    slack: AsyncWebClient, *, channel: str, user: str, announcement: Message, card: Message
) -> JobThread:
    """Post the announcement and, in its thread, the card. Raises CannotPost and then leaves no message behind."""
    try:
        above = await slack.chat_postMessage(
            channel=channel, text=announcement.text, blocks=announcement.blocks, unfurl_links=False
        )
    except SlackApiError as error:
        raise CannotPost(str(error.response["error"])) from error
    where, announcement_ts = str(above["channel"]), str(above["ts"])
    try:
        below = await slack.chat_postMessage(
            channel=where, thread_ts=announcement_ts, text=card.text, blocks=card.blocks, unfurl_links=False
        )
    except SlackApiError as error:
        await slack.chat_delete(channel=where, ts=announcement_ts)
        raise CannotPost(str(error.response["error"])) from error
    return JobThread(channel=where, announcement_ts=announcement_ts, card_ts=str(below["ts"]), user=user)


async def replace_messages(slack: AsyncWebClient, thread: JobThread, *, announcement: Message, card: Message) -> None:
    """Replace the content of both messages."""
    for ts, message in ((thread.card_ts, card), (thread.announcement_ts, announcement)):
        await slack.chat_update(channel=thread.channel, ts=ts, text=message.text, blocks=message.blocks)


async def link_to(slack: AsyncWebClient, thread: JobThread) -> str:
    """The URL of a thread's announcement; empty when Slack does not return one."""
    try:
        answer = await slack.chat_getPermalink(channel=thread.channel, message_ts=thread.announcement_ts)
    except SlackApiError:
        return ""
    return str(answer["permalink"])
