"""What waits for the yes of the person who asked: sealed into the buttons of a card, so that a restart loses nothing.

Slack hands back the value of a button when somebody presses it, but does not promise that the value is still the one
that the bot sent. So each value has a seal (HMAC) that only a bot with the same token can make.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

VALID_SECONDS = 600
"""How long a yes is accepted: what the checks found gets old."""

SEAL_LENGTH = 64
"""Hexadecimal digits of HMAC-SHA256."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmation:
    """An action that a user asked for and has not confirmed yet."""

    action: str
    params: Mapping[str, Any]
    """The parameters as the user gave them."""
    label: str
    """What the button says, such as `Power off web-01`."""
    user: str
    """The Slack id of the user who asked; nobody else can confirm."""
    shown: str
    """The fingerprint of the preview that the card shows."""
    expires_at: int
    """When a yes is no longer accepted, in seconds since 1970 (UTC)."""
    nonce: str
    """Different for each card; the idempotency key of the job."""

    @classmethod
    def of(cls, action: str, params: Mapping[str, Any], *, label: str, user: str, shown: str) -> Confirmation:
        """A new confirmation, valid for VALID_SECONDS from now."""
        expires_at = int(time.time()) + VALID_SECONDS
        nonce = secrets.token_hex(8)
        return cls(
            action=action, params=params, label=label, user=user, shown=shown, expires_at=expires_at, nonce=nonce
        )

    @property
    def expired(self) -> bool:
        """Whether a yes comes too late."""
        return time.time() >= self.expires_at


class Confirmations:
    """Seals confirmations into values of buttons, opens them again, and remembers which were answered."""

    def __init__(self, secret: str) -> None:
        """`secret` is what all processes of this bot share, also after a restart: the bot token."""
        self._key = hmac.digest(secret.encode(), b"vmkops confirmation", "sha256")
        self._answered: dict[str, int] = {}

    def seal(self, asked: Confirmation) -> str:
        """The value of the buttons."""
        text = base64.urlsafe_b64encode(json.dumps(asdict(asked), ensure_ascii=False).encode()).decode()
        return self._seal(text) + text

    def open(self, value: str) -> Confirmation | None:
        """The confirmation in the value of a button; None when this bot did not make the value."""
        seal, text = value[:SEAL_LENGTH], value[SEAL_LENGTH:]
        if not value.isascii() or not hmac.compare_digest(seal, self._seal(text)):
            return None
        try:
            return Confirmation(**json.loads(base64.urlsafe_b64decode(text)))
        except (TypeError, ValueError):  # another version of vmkops made it
            return None

    def first_answer(self, asked: Confirmation) -> bool:
        """Whether this is the first press of a button of this card; remembers it.

        A press that reaches another process is recognized by the service, from the idempotency key.
        """
        now = time.time()
        self._answered = {nonce: expires_at for nonce, expires_at in self._answered.items() if expires_at > now}
        first = asked.nonce not in self._answered
        self._answered[asked.nonce] = asked.expires_at
        return first

    def _seal(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
