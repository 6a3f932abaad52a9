"""Keeps the Slack threads of jobs up to date: at most one edit of a card a second, and always the final state.

The service stores which thread a job has, so a bot that restarts finds the threads to update there.
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
from bot.jobs.latest_state import LatestState
from bot.jobs.thread import JobThread
from service.api.client import Job, ServiceClient

log = logging.getLogger(__name__)

EDIT_SECONDS = 1.0
"""Time between two edits of one card."""

SCAN_SECONDS = 60.0
"""Time between two scans for jobs that are not followed yet."""

FIRST_RETRY_SECONDS = 2.0
"""Time until the first retry. It doubles with each failure, up to MAX_RETRY_SECONDS."""

MAX_RETRY_SECONDS = 60.0
"""Longest time between two retries. The final state of a job is retried until Slack accepts it."""

RECENT = timedelta(hours=24)
"""A bot that starts updates the threads of jobs that ended within this time."""

INVALID_CARD = {"invalid_blocks", "msg_blocks_too_long"}
"""Slack's errors for a card that it never accepts; the plain text is sent instead."""

NOT_EDITABLE = {"message_not_found", "edit_window_closed", "cant_update_message"}
"""Slack's errors for a card that can no longer be edited; the final state is posted as a new message."""

NOT_WRITABLE = {
    "account_inactive", "channel_not_found", "invalid_auth", "is_archived", "missing_scope",
    "not_authed", "not_in_channel", "team_access_not_granted", "thread_not_found", "token_revoked",
}  # fmt: skip
"""Slack's errors for a thread that the bot can no longer write to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Where the time comes from and how to wait. Tests pass their own."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class JobUpdates:
    """Follows jobs at the service and updates their threads in Slack."""

    def __init__(self, service: ServiceClient, slack: AsyncWebClient, clock: Clock | None = None) -> None:
        self._service = service
        self._slack = slack
        self._clock = clock or Clock()
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._finished: set[str] = set()
        self._scanning: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Scan for jobs to follow now, and every SCAN_SECONDS."""
        self._scanning = asyncio.create_task(self._scan_regularly())

    async def stop(self) -> None:
        """Stop following. The next bot that starts continues."""
        tasks = [*self._followers.values(), *([self._scanning] if self._scanning else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def follow(self, job: Job) -> bool:
        """Keep the job's thread up to date until the job ends.

        False when the job is followed already, its final state is in the thread, or it has no thread.
        """
        thread = JobThread.of(job)
        if thread is None or job.id in self._followers or job.id in self._finished:
            return False
        task = asyncio.create_task(self._follow(job, thread))
        self._followers[job.id] = task
        task.add_done_callback(lambda done: self._forget_follower(job.id, done))
        return True

    async def wait_until_idle(self) -> None:
        """Wait until no job is followed."""
        while self._followers:
            await asyncio.wait(list(self._followers.values()))

    async def scan(self) -> None:
        """Follow every live job that has a thread, and update the threads of recently ended jobs once."""
        for job in await self._service.jobs(limit=200, live=True):
            self.follow(job)
        ended = await self._service.jobs(limit=50, live=False)
        self._finished &= {job.id for job in ended}
        for job in ended:
            if self._is_recent(job) and self.follow(job):
                await self._clock.sleep(EDIT_SECONDS)

    async def _scan_regularly(self) -> None:
        failures = 0
        while True:
            try:
                await self.scan()
                failures = 0
                pause = SCAN_SECONDS
            except Exception as error:
                pause = _retry_pause(failures)
                failures += 1
                log.warning("the scan for jobs failed: %r", error, extra={"next_try_seconds": pause})
            await self._clock.sleep(pause)

    async def _follow(self, job: Job, thread: JobThread) -> None:
        latest = LatestState(job)
        if job.state.final:
            latest.end()
            await self._publish_states(latest, thread)
            return
        reading = asyncio.create_task(self._read_states(job.id, latest))
        try:
            await self._publish_states(latest, thread)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read_states(self, job_id: str, latest: LatestState) -> None:
        try:
            async for job in self._service.follow(job_id):
                latest.put(job)
        except Exception as error:
            log.warning("the states of a job ended early: %r", error, extra={"job": job_id})
        finally:
            latest.end()

    async def _publish_states(self, latest: LatestState, thread: JobThread) -> None:
        """Publish each state that is taken. When Slack refuses one, retry it, or publish a newer one instead."""
        not_before = self._clock.monotonic()
        failures = 0
        while await latest.wait():
            if (pause := not_before - self._clock.monotonic()) > 0:
                await self._clock.sleep(pause)
            job = latest.take()
            not_before = self._clock.monotonic() + EDIT_SECONDS
            try:
                await self._publish(job, thread)
            except (SlackClientError, aiohttp.ClientError, OSError) as error:
                if _error_code(error) in NOT_WRITABLE:
                    log.error("the thread of a job cannot be written: %s", _error_code(error), extra={"job": job.id})
                    self._finished.add(job.id)
                    return
                pause = _retry_after(error) or _retry_pause(failures)
                failures += 1
                log.warning(
                    "the state of a job was not shown: %r", error, extra={"job": job.id, "next_try_seconds": pause}
                )
                not_before += pause
                latest.put_back(job)
                continue
            failures = 0
            if job.state.final:
                self._finished.add(job.id)
                return

    async def _publish(self, job: Job, thread: JobThread) -> None:
        """Edit the card and, for a final state, the announcement. Post a final state whose card cannot be edited."""
        card = job_card(job)
        edited = await self._edit(thread.channel, thread.card_ts, card)
        if not job.state.final:
            return
        if not edited:
            await self._slack.chat_postMessage(
                channel=thread.channel, thread_ts=thread.announcement_ts, text=card.text, blocks=card.blocks
            )
        await self._edit(thread.channel, thread.announcement_ts, announcement(job))

    async def _edit(self, channel: str, ts: str, message: Message) -> bool:
        """Replace a message, without its blocks if Slack never accepts them. False when it cannot be edited."""
        try:
            await self._slack.chat_update(channel=channel, ts=ts, text=message.text, blocks=message.blocks)
        except SlackApiError as error:
            if _error_code(error) in INVALID_CARD and message.blocks:
                log.error("Slack refused a card: %s", _error_code(error))
                return await self._edit(channel, ts, Message(text=message.text, blocks=[]))
            if _error_code(error) in NOT_EDITABLE:
                return False
            raise
        return True

    def _is_recent(self, job: Job) -> bool:
        try:
            finished = datetime.fromisoformat(job.finished_at or "")
            return self._clock.now() - finished < RECENT
        except (ValueError, TypeError):
            return False

    def _forget_follower(self, job_id: str, task: asyncio.Task[None]) -> None:
        self._followers.pop(job_id, None)
        if not task.cancelled() and (error := task.exception()):
            log.error("a job cannot be followed", exc_info=error, extra={"job": job_id})


def _retry_pause(failures: int) -> float:
    """Seconds until the next try after so many failures."""
    return min(FIRST_RETRY_SECONDS * 2.0 ** min(failures, 10), MAX_RETRY_SECONDS)


def _error_code(error: Exception) -> str:
    return str(error.response.get("error", "")) if isinstance(error, SlackApiError) else ""


def _retry_after(error: Exception) -> float:
    """Seconds that Slack asks to wait when it limits the rate (HTTP 429); 0 for any other error."""
    if _error_code(error) != "ratelimited" or not isinstance(error, SlackApiError):
        return 0.0
    headers = {str(name).lower(): value for name, value in error.response.headers.items()}
    try:
        return float(headers.get("retry-after", 0))
    except (TypeError, ValueError):
        return 0.0
