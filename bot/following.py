"""Follows jobs and keeps their cards in Slack up to date: at most an edit a second each, and always the last one.

A job's reply address is kept by the service, so a bot that starts again finds the jobs to follow there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import Message
from bot.cards.job import announcement, job_card
from bot.latest import Latest
from bot.threads import JobThread
from service.api.client import Job, ServiceClient

log = logging.getLogger(__name__)

BETWEEN_EDITS = 1.0
"""Seconds between two edits of one card."""

BETWEEN_LOOKS = 60.0
"""Seconds between two looks for jobs that nobody follows."""

SOON = 2.0
"""Seconds until the first new try after a failure; doubled each time, up to LATE."""

LATE = 60.0
"""Seconds between two tries when it has failed for long; tries go on until the end has arrived."""

REMEMBERED_FOR = timedelta(hours=24)
"""Jobs that ended longer ago get no last edit from a bot that starts."""

REFUSED = {"invalid_blocks", "msg_blocks_too_long"}
"""Slack's words for a card that it will never take; what matters is then told in plain text."""

GONE = {"message_not_found", "edit_window_closed", "cant_update_message"}
"""Slack's words for a card that cannot be edited any more; the end is then told in a new message."""

CLOSED = {
    "account_inactive", "channel_not_found", "invalid_auth", "is_archived", "missing_scope",
    "not_authed", "not_in_channel", "team_access_not_granted", "thread_not_found", "token_revoked",
}  # fmt: skip
"""Slack's words for a place where nothing can be told any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Where the time comes from and how it is waited for; tests pass their own."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Following:
    """The jobs that are told about in Slack."""

    def __init__(self, service: ServiceClient, slack: AsyncWebClient, clock: Clock | None = None) -> None:
        self._service = service
        self._slack = slack
        self._clock = clock or Clock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._told: set[str] = set()
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look for jobs to follow, now and again."""
        self._looking = asyncio.create_task(self._look_again_and_again())

    async def stop(self) -> None:
        """Stop following; the next bot that starts takes the jobs up again."""
        tasks = [*self._tasks.values(), *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def follow(self, job: Job) -> bool:
        """Follow the job to its end; False when it is followed or told already, or has no thread in Slack."""
        thread = JobThread.of(job)
        if thread is None or job.id in self._tasks or job.id in self._told:
            return False
        task = asyncio.create_task(self._follow(job, thread))
        self._tasks[job.id] = task
        task.add_done_callback(lambda done: self._done(job.id, done))
        return True

    async def told(self) -> None:
        """Wait until no job is followed any more."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def look(self) -> None:
        """Follow every live job with a thread in Slack; of those that ended lately, tell the end once."""
        for job in await self._service.jobs(limit=200, live=True):
            self.follow(job)
        recent = await self._service.jobs(limit=50, live=False)
        self._told &= {job.id for job in recent}
        for job in recent:
            if self._ended_lately(job) and self.follow(job):
                await self._clock.sleep(BETWEEN_EDITS)

    async def _look_again_and_again(self) -> None:
        failures = 0
        while True:
            try:
                await self.look()
                failures = 0
                pause = BETWEEN_LOOKS
            except Exception as error:
                pause = _back_off(failures)
                failures += 1
                log.warning("jobs not listed error=%r next_try_s=%.0f", error, pause)
            await self._clock.sleep(pause)

    async def _follow(self, job: Job, thread: JobThread) -> None:
        latest = Latest(job)
        if job.state.final:
            latest.end()
            await self._draw(latest, thread)
            return
        reading = asyncio.create_task(self._read(job.id, latest))
        try:
            await self._draw(latest, thread)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, job_id: str, latest: Latest) -> None:
        try:
            async for job in self._service.follow(job_id):
                latest.put(job)
        except Exception as error:
            log.warning("job not followed to its end job=%s error=%r", job_id, error)
        finally:
            latest.end()

    async def _draw(self, latest: Latest, thread: JobThread) -> None:
        """Tell each state that is taken; one that Slack does not take is tried again, or the next in its place."""
        not_before = self._clock.monotonic()
        failures = 0
        while await latest.wait():
            if (pause := not_before - self._clock.monotonic()) > 0:
                await self._clock.sleep(pause)
            job = latest.take()
            not_before = self._clock.monotonic() + BETWEEN_EDITS
            try:
                await self._tell(job, thread)
            except (SlackClientError, aiohttp.ClientError, OSError) as error:
                if _error_code(error) in CLOSED:
                    log.error("job cannot be told job=%s slack=%s", job.id, _error_code(error))
                    self._told.add(job.id)
                    return
                pause = _retry_after(error) or _back_off(failures)
                failures += 1
                log.warning("job not told yet job=%s error=%r next_try_s=%.0f", job.id, error, pause)
                not_before += pause
                latest.put_back(job)
                continue
            failures = 0
            if job.state.final:
                self._told.add(job.id)
                return

    async def _tell(self, job: Job, thread: JobThread) -> None:
        """Edit the card and, at the end, the announcement; without a card to edit, post the end in the thread."""
        edited = await self._edit(thread.channel, thread.card_ts, job_card(job))
        if not job.state.final:
            return
        if not edited:
            card = job_card(job)
            await self._slack.chat_postMessage(
                channel=thread.channel, thread_ts=thread.announcement_ts, text=card.text, blocks=card.blocks
            )
        await self._edit(thread.channel, thread.announcement_ts, announcement(job))

    async def _edit(self, channel: str, ts: str, message: Message) -> bool:
        try:
            await self._slack.chat_update(channel=channel, ts=ts, text=message.text, blocks=message.blocks)
        except SlackApiError as error:
            if _error_code(error) in REFUSED and message.blocks:
                log.error("card refused slack=%s", _error_code(error))
                return await self._edit(channel, ts, Message(text=message.text, blocks=[]))
            if _error_code(error) in GONE:
                return False
            raise
        return True

    def _ended_lately(self, job: Job) -> bool:
        try:
            finished = datetime.fromisoformat(job.finished_at or "")
            return self._clock.now() - finished < REMEMBERED_FOR
        except (ValueError, TypeError):
            return False

    def _done(self, job_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(job_id, None)
        if not task.cancelled() and (error := task.exception()):
            log.error("following broke job=%s", job_id, exc_info=error)


def _back_off(failures: int) -> float:
    return min(SOON * 2.0 ** min(failures, 10), LATE)


def _error_code(error: Exception) -> str:
    return str(error.response.get("error", "")) if isinstance(error, SlackApiError) else ""


def _retry_after(error: Exception) -> float:
    """Seconds that Slack asks to wait (its answer 429); 0 for any other error."""
    if _error_code(error) != "ratelimited" or not isinstance(error, SlackApiError):
        return 0.0
    headers = {str(name).lower(): value for name, value in error.response.headers.items()}
    try:
        return float(headers.get("retry-after", 0))
    except (TypeError, ValueError):
        return 0.0
