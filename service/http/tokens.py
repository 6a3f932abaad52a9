"""What the caller's own token may do. Tokens are made and ended with `vmkops token`, not over HTTP."""

from __future__ import annotations

from service.api.models import Value
from service.http._route import Call, Query, Route
from service.store.tokens import Scope


class TokenRights(Value):
    """The caller's token: its name and rights, without the token itself."""

    name: str
    scopes: tuple[str, ...]
    delegate: bool
    """Whether it may act for people with `X-On-Behalf-Of`, as the Slack bot does."""
    expires_at: str | None
    """RFC 3339, UTC; null for a token that does not expire."""


async def _current(call: Call[Query, None]) -> TokenRights:
    actor = call.known_actor()
    return TokenRights(
        name=actor.token,
        scopes=tuple(sorted(actor.scopes)),
        delegate=actor.delegate,
        expires_at=actor.expires_at,
    )


ROUTES = (
    Route(
        method="GET",
        path="/tokens/current",
        summary="What the token of this call may do, and until when",
        handle=_current,
        answer=TokenRights,
        scope=Scope.READ,
    ),
)
