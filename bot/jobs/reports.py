"""Posts the reports of fleets: takes those that are due from the service, posts each, and says so to the service.

The service keeps what is due, so a bot that restarts goes on, and of several bots one posts each report.
"""

from __future__ import annotations

import asyncio
import logging

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.report import report_card
from bot.jobs.thread import NOT_A_MEMBER
from bot.jobs.updates import INVALID_CARD, NOT_WRITABLE, Clock
from service.api.client import Report, ServiceClient

log = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
"""Time between two looks for reports."""

INVITE = "vmkops is not a member of {0}, or there is no such channel. Invite it there: /invite @vmkops."
REFUSED = "Slack does not accept it ({0})."


class JobReports:
    """Posts the reports that the service has, for as long as it is started."""

    def __init__(self, service: ServiceClient, slack: AsyncWebClient, clock: Clock | None = None) -> None:
        self._service = service
        self._slack = slack
        self._clock = clock or Clock()
        self._posted: dict[str, str] = {}
        """What is posted, or given up for the reason that is the value, and not yet noted at the service."""
        self._busy = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look for reports now, and every LOOK_SECONDS."""
        self._looking = asyncio.create_task(self._look_regularly())

    async def stop(self) -> None:
        """Finish the report that is being posted, and look for no more."""
        async with self._busy:
            if self._looking:
                self._looking.cancel()
        if self._looking:
            await asyncio.gather(self._looking, return_exceptions=True)

    async def post_due(self) -> None:
        """Post each report that is due, once; raises what the service raises."""
        async with self._busy:
            await self._note_posted()
            for report in await self._service.take_reports():
                await self._post(report)
                await self._note_posted()

    async def _look_regularly(self) -> None:
        trouble = ""
        while True:
            try:
                await self.post_due()
                trouble = ""
            except Exception as error:
                if str(error) != trouble:  # a service that is away, or too old to know reports, is logged once
                    log.warning("the look for reports failed: %r", error)
                trouble = str(error)
            await self._clock.sleep(LOOK_SECONDS)

    async def _post(self, report: Report) -> None:
        """Post a report. When Slack does not answer now, the service gives the report out again after a while."""
        card = report_card(report)
        try:
            try:
                await self._send(report.channel, card.text, card.blocks)
            except SlackApiError as error:
                if _code(error) not in INVALID_CARD:
                    raise
                log.error("Slack refused a report's blocks: %s", _code(error))
                await self._send(report.channel, card.text, [])
        except SlackApiError as error:
            code = _code(error)
            if code in NOT_A_MEMBER:
                self._posted[report.id] = INVITE.format(report.channel)
            elif code in NOT_WRITABLE:
                self._posted[report.id] = REFUSED.format(code)
            else:
                log.warning("a report was not posted: %s", code, extra={"report": report.id})
        except (SlackClientError, aiohttp.ClientError, OSError) as error:
            log.warning("a report was not posted: %r", error, extra={"report": report.id})
        else:
            self._posted[report.id] = ""

    async def _send(self, channel: str, text: str, blocks: list[dict[str, object]]) -> None:
        await self._slack.chat_postMessage(
            channel=channel, text=text, blocks=blocks, unfurl_links=False, unfurl_media=False
        )

    async def _note_posted(self) -> None:
        for report, trouble in list(self._posted.items()):
            await self._service.report_posted(report, trouble)
            del self._posted[report]


def _code(error: SlackApiError) -> str:
    return str(error.response.get("error", ""))
