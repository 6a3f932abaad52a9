"""Who may make a call, and what the audit keeps of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import hdrs, web

from service.api.log import add_log_fields
from service.errors import InvalidParams, NotAllowed, NotSignedIn
from service.http._browsers import BROWSERS
from service.http._clients import bucket_of, client_of
from service.http._limits import Limits
from service.http._route import AnyRoute, Services
from service.store.audit import Event
from service.store.tokens import Actor, Scope

ON_BEHALF_OF = "X-On-Behalf-Of"
"""The person for whom the caller acts; only for tokens with the right to delegate."""
TOKEN = web.RequestKey("token", Actor)
"""The token of the call, by itself."""


def sends_token(request: web.Request) -> bool:
    """Whether the call has a token; the user name and password of a proxy in front of the service are none."""
    return request.headers.get(hdrs.AUTHORIZATION, "").lower().startswith("bearer ")


async def known_token(request: web.Request, services: Services, limits: Limits) -> Actor | None:
    """The token of the call, None without one; a refused one counts for the limits. Raises NotSignedIn."""
    try:
        return await services.tokens.actor(request.headers.get(hdrs.AUTHORIZATION))
    except NotSignedIn as error:
        if error.token_name:  # revoked or expired: what it tries is never hidden behind the guesses of others
            await limits.count(f"token:{error.token_name}")
        else:
            await limits.count_failed(address_of(request, services))
        raise


async def authorize(request: web.Request, services: Services, limits: Limits, scope: Scope | None) -> Actor | None:
    """Who calls, also for the log; None for a call without a token. The request counts for the limits.

    What needs no scope needs a token too when lookups are not public. Raises InvalidParams, NotSignedIn, NotAllowed
    when the call needs a right that the caller does not have, and TooManyRequests.
    """
    token = await known_token(request, services, limits)
    await limits.count(f"token:{token.token}" if token else address_of(request, services))
    if token is not None:
        request[TOKEN] = token
    people = request.headers.getall(ON_BEHALF_OF, [])
    if len(people) > 1:
        raise InvalidParams(f"{ON_BEHALF_OF} is there {len(people)} times. Send it once.")
    actor = services.tokens.acting_for(token, people[0] if people else None)
    if actor is not None:
        add_log_fields(actor=actor.label)
    if scope is None and (request.app[BROWSERS].needs_token(request) or not services.settings.lookups_public):
        scope = Scope.READ
    return actor if scope is None else services.tokens.require(actor, scope)


def address_of(request: web.Request, services: Services) -> str:
    """The address under which a request without a token counts."""
    return bucket_of(client_of(request, services.settings.trusted_proxies))


@contextlib.asynccontextmanager
async def refusals_recorded(route: AnyRoute, services: Services, request: web.Request) -> AsyncIterator[None]:
    """Record refused tokens and forbidden calls of the block; a call without a token is neither."""
    call = {
        "method": route.method,
        "path": request.path,
        "address": client_of(request, services.settings.trusted_proxies),
    }
    try:
        yield
    except NotSignedIn as error:
        if error.token_digits:
            about = call | {"reason": str(error), "token_sha256": error.token_digits, "token": error.token_name}
            await services.audit.refused(Event.TOKEN_REFUSED, error.token_digits, **about)
        raise
    except NotAllowed as error:
        token = request[TOKEN].token if TOKEN in request else ""
        person = request.headers.get(ON_BEHALF_OF, "")[:60]
        about = call | {"reason": str(error), "token": token, "person": person}
        await services.audit.refused(Event.CALL_FORBIDDEN, f"{token} {person} {route.method} {route.path}", **about)
        raise


async def record_call(
    route: AnyRoute, services: Services, request: web.Request, actor: Actor | None, made: Any
) -> None:
    """Record a call that has changed something; `made` is the answer of the route."""
    if route.audit is None or actor is None:
        return
    about = {**request.match_info, **({} if isinstance(made, web.StreamResponse) else route.about(made))}
    address = client_of(request, services.settings.trusted_proxies)
    await services.audit.write(route.audit, token=actor.token, person=actor.person or "", address=address, **about)
