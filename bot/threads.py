"""Where a job is told about: an announcement in a channel and one card in the thread below it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import Message
from service.api.client import Job, Problem

NOT_A_MEMBER = {"not_in_channel", "channel_not_found"}
INVITE = "Type `/invite @vmkops` here and ask again, or ask in a channel that I am in"


class CannotPost(Exception):
    """Slack does not let the bot write where it was asked to; `problem` says why and what to do."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        if error in NOT_A_MEMBER:
            self.problem = Problem(
                title="I cannot post in this channel",
                status=403,
                detail="A job is told about in a thread, and I am not a member here. Nothing was started.",
                suggestions=[INVITE],
            )
        else:
            self.problem = Problem(
                title="Slack did not take my message",
                status=502,
                detail=f"Slack said {error}. Nothing was started.",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class JobThread:
    """The two messages of a job and who asked; kept by the service as the job's reply address."""

    channel: str
    announcement_ts: str
    card_ts: str
    user: str

    def as_reply_to(self) -> dict[str, Any]:
        """This thread as the reply address that the service keeps unread."""
        return {"slack": asdict(self)}

    @classmethod
    def of(cls, job: Job) -> Self | None:
        """The thread that a job is told about in; None for a job that was not asked for in Slack."""
        address = (job.reply_to or {}).get("slack")
        names = ("channel", "announcement_ts", "card_ts", "user")
        if not isinstance(address, dict) or not all(isinstance(address.get(name), str) for name in names):
            return None
        return cls(**{name: address[name] for name in names})


async def open_thread(
    slack: AsyncWebClient, *, channel: str, user: str, announcement: Message, card: Message
) -> JobThread:
    """Post the announcement and, in its thread, the card. Raises CannotPost, and then leaves nothing behind."""
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


async def rewrite_thread(slack: AsyncWebClient, thread: JobThread, *, announcement: Message, card: Message) -> None:
    """Say something else in both messages."""
    for ts, message in ((thread.card_ts, card), (thread.announcement_ts, announcement)):
        await slack.chat_update(channel=thread.channel, ts=ts, text=message.text, blocks=message.blocks)


async def link_to(slack: AsyncWebClient, thread: JobThread) -> str:
    """The address of a thread's announcement; empty when Slack does not tell."""
    try:
        answer = await slack.chat_getPermalink(channel=thread.channel, message_ts=thread.announcement_ts)
    except SlackApiError:
        return ""
    return str(answer["permalink"])
