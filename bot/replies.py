"""Sends the reply to every command and click, and turns every error into a card."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable

from slack_bolt.context.respond.async_respond import AsyncRespond

from bot.blocks import Reply
from bot.cards.problem import internal_error_card, problem_card
from bot.jobs.thread import CannotPost
from service.api.client import ServiceError

log = logging.getLogger(__name__)

DRAIN_SECONDS = 5.0
"""How long a stopping bot waits for replies that are not sent yet."""

MakeReply = Callable[[], Awaitable[Reply | None]]
"""Does the work of a command or button. Returns None when there is nothing to send."""


class ReplySender:
    """Sends replies and knows which are still in progress, so that the bot can finish them when it stops."""

    def __init__(self) -> None:
        self._in_progress: set[asyncio.Task[None]] = set()

    async def send(self, respond: AsyncRespond, make_reply: MakeReply, *, command: str = "") -> None:
        """Make the reply and send it with `respond`; an error becomes a card that explains it.

        `command`, such as `/backup`, is put before the suggestions of the service so that they can be copied.
        Never raises because of the work or of Slack.
        """
        task = asyncio.create_task(_make_and_send(respond, make_reply, command))
        self._in_progress.add(task)
        task.add_done_callback(self._in_progress.discard)
        await asyncio.shield(task)

    async def drain(self) -> None:
        """Wait up to DRAIN_SECONDS for the replies in progress."""
        if self._in_progress:
            await asyncio.wait(self._in_progress, timeout=DRAIN_SECONDS)


async def _make_and_send(respond: AsyncRespond, make_reply: MakeReply, command: str) -> None:
    try:
        reply = await make_reply()
    except (ServiceError, CannotPost) as refusal:
        reply = Reply(problem_card(refusal.problem, command=command))
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("a command failed", extra={"incident": reference, "command": command})
        reply = Reply(internal_error_card(reference))
    if reply is not None:
        await _send(respond, reply, command)


async def _send(respond: AsyncRespond, reply: Reply, command: str) -> None:
    try:
        sent = await respond(
            text=reply.message.text,
            blocks=reply.message.blocks,
            response_type="in_channel" if reply.public else "ephemeral",
            replace_original=reply.replaces,
            unfurl_links=False,
        )
    except Exception:
        log.exception("a reply was not delivered", extra={"command": command})
        return
    if sent.status_code != 200:
        log.error(
            "a reply was not delivered: %s",
            sent.body[:200],
            extra={"command": command, "status": sent.status_code},
        )
