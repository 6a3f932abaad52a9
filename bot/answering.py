"""The one place where an answer goes out and where errors end: every command and button comes through here."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable

from slack_bolt.context.respond.async_respond import AsyncRespond

from bot.blocks import Reply
from bot.cards.problem import problem_card, trouble_card
from bot.threads import CannotPost
from service.api.client import ServiceError

log = logging.getLogger(__name__)

STOP_AFTER = 5.0
"""Seconds that answers under way are given when the bot stops."""


class Answers:
    """The answers under way, so that a stop can let them finish."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    async def give(
        self, respond: AsyncRespond, work: Callable[[], Awaitable[Reply | None]], *, command: str = ""
    ) -> None:
        """Do the work and send its reply, or say calmly what went wrong; `command` is what suggestions begin with."""
        task = asyncio.create_task(_answer(respond, work, command))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.shield(task)

    async def finish(self) -> None:
        """Wait a moment for the answers under way."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=STOP_AFTER)


async def _answer(respond: AsyncRespond, work: Callable[[], Awaitable[Reply | None]], command: str) -> None:
    try:
        reply = await work()
    except (ServiceError, CannotPost) as refusal:
        reply = Reply(problem_card(refusal.problem, command=command))
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("answer failed reference=%s command=%s", reference, command)
        reply = Reply(trouble_card(reference))
    if reply is not None:
        await _send(respond, reply, command)


async def _send(respond: AsyncRespond, reply: Reply, command: str) -> None:
    try:
        sent = await respond(
            text=reply.message.text,
            blocks=reply.message.blocks,
            response_type="in_channel" if reply.public else "ephemeral",
            replace_original=False,
            unfurl_links=False,
        )
    except Exception:
        log.exception("answer not delivered command=%s", command)
        return
    if sent.status_code != 200:
        log.error("answer not delivered command=%s status=%s said=%s", command, sent.status_code, sent.body[:200])
