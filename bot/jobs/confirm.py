"""What happens when somebody presses a button of a card that asks before an action."""

from __future__ import annotations

from bot.blocks import Reply
from bot.cards.confirmation import (
    CHANGED,
    NOT_THE_NAME,
    confirmed_card,
    declined_card,
    expired_card,
    not_yours_card,
    pressed_before_card,
    refused_card,
    unreadable_card,
)
from bot.jobs.confirmations import Confirmation
from bot.jobs.start import ask, check, start_checked
from bot.jobs.thread import CannotPost
from bot.request import Request
from service.api.client import ServiceError


async def confirm(value: str, request: Request) -> Reply:
    """Check the action again, and start it if the checks find what the card shows; otherwise ask again.

    The reply replaces the card, unless the button is not this bot's or somebody else's.
    """
    asked = _answered(value, request)
    if isinstance(asked, Reply):
        return asked
    try:
        preview = await check(request, asked.action, asked.params)
        if preview.fingerprint != asked.shown:
            return ask(request, preview, asked.params, again=CHANGED)
        params = asked.params
        if preview.type_again is not None:
            params = {**asked.params, preview.type_again.parameter: request.typed}
            typed = await check(request, asked.action, params)
            if typed.type_again is not None:
                return ask(request, preview, asked.params, again=NOT_THE_NAME)
        await start_checked(
            request,
            preview,
            params,
            command=f"/action {asked.action}",
            idempotency_key=f"slack:{asked.nonce}",
        )
    except (ServiceError, CannotPost) as refusal:
        return Reply(refused_card(asked, refusal.problem), replaces=True)
    return Reply(confirmed_card(asked), replaces=True)


async def decline(value: str, request: Request) -> Reply:
    """Replace the card; nothing was started."""
    asked = _answered(value, request)
    return asked if isinstance(asked, Reply) else Reply(declined_card(asked), replaces=True)


def _answered(value: str, request: Request) -> Confirmation | Reply:
    """The confirmation in the value of a button, or the reply to a press that does not count."""
    confirmations = request.deps.confirmations
    asked = confirmations.open(value)
    if asked is None:
        return Reply(unreadable_card())
    if request.user != asked.user:
        return Reply(not_yours_card(asked))
    if asked.expired:
        return Reply(expired_card(asked), replaces=True)
    if not confirmations.first_answer(asked):
        return Reply(pressed_before_card(asked), replaces=True)
    return asked
