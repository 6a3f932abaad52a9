"""What happens around every call: reading it, asking who may, answering in the right form, and errors as problems."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

import knowledge.errors
from service.api.models import Problem
from service.errors import InvalidParams, NotFound, NotSignedIn, TooLarge, VmkopsError
from service.http._render import accepted, choose_form, render, render_problem, respond
from service.http._route import SERVICES, Call, Route, Services, explain, read_query, read_values, takes_text
from service.store.tokens import Actor, Scope

log = logging.getLogger(__name__)

BODY_LIMIT = 16 << 20
REMEMBERED = 4096
FRESH_SECONDS = 1.0
ON_BEHALF_OF = "X-On-Behalf-Of"


Asked = tuple[str, str]
"""The path and query as they came, and the Accept header: all that a lookup's answer depends on."""


class Memory:
    """The bodies of lookups that were asked before; they hold for as long as `sources` says that no more is known."""

    def __init__(self, sources: Callable[[], object]) -> None:
        self._known: dict[Asked, tuple[bytes, str]] = {}
        self._sources = sources
        self._seen = sources()
        self._looked_at = time.monotonic()

    def get(self, key: Asked) -> tuple[bytes, str] | None:
        """The body and content type of the answer; what is known is looked at once a second."""
        now = time.monotonic()
        if now - self._looked_at > FRESH_SECONDS:
            self._looked_at = now
            if (seen := self._sources()) != self._seen:
                self._seen = seen
                self._known.clear()
        return self._known.get(key)

    def forget(self) -> None:
        """Forget everything, as when a page was edited here."""
        self._known.clear()

    def put(self, key: Asked, body: tuple[bytes, str]) -> None:
        """Remember an answer; the oldest half is forgotten when there are too many."""
        if len(self._known) >= REMEMBERED:
            for old in list(self._known)[: REMEMBERED // 2]:
                del self._known[old]
        if len(key[0]) + len(key[1]) < 512 and len(body[0]) < 65536:
            self._known[key] = body


MEMORY: web.AppKey[Memory] = web.AppKey("memory", Memory)


def bind(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of a route."""
    return partial(_answer_lookup if route.lookup and route.body is None else _answer, route)


async def _answer_lookup(route: Route, request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    if not services.settings.lookups_public:
        await _require(route, request, services)
    memory = request.app[MEMORY]
    key = (request.raw_path, request.headers.get("Accept", ""))
    body = memory.get(key)
    if body is None:
        form = choose_form(request, route.form)
        answer = await _call(route, request, services, None)
        assert isinstance(answer, BaseModel)
        body = render(route, answer, form)
        memory.put(key, body)
    return respond(*body, route.status)


async def _answer(route: Route, request: web.Request) -> web.StreamResponse:
    form = choose_form(request, route.form)
    services = request.app[SERVICES]
    actor = await _require(route, request, services)
    answer = await _call(route, request, services, actor)
    if isinstance(answer, web.StreamResponse):
        return answer
    return respond(*render(route, answer, form), route.status)


async def _require(route: Route, request: web.Request, services: Services) -> Actor | None:
    person = request.headers.get(ON_BEHALF_OF)
    if person is not None and (len(person) > 200 or not person.isprintable()):
        raise InvalidParams(f"{ON_BEHALF_OF} must be a short name such as slack:U123.")
    actor = await services.tokens.actor(request.headers.get("Authorization"), person)
    scope = route.scope
    if route.lookup and not services.settings.lookups_public:
        scope = Scope.READ
    if scope is not None:
        return services.tokens.require(actor, scope)
    return actor


async def _call(
    route: Route, request: web.Request, services: Services, actor: Actor | None
) -> BaseModel | web.StreamResponse:
    query = read_query(route.query, request)
    body = await _body(route, request)
    return await route.handle(Call(request=request, services=services, actor=actor, query=query, body=body))


async def _body(route: Route, request: web.Request) -> Any:
    if route.body is None:
        return None
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TooLarge(f"The body is larger than the {BODY_LIMIT >> 20} MiB that this call takes.") from None
    if route.files and not raw and "Content-Type" not in request.headers:
        raise InvalidParams('There is no body. Send the file as it is, or its text as JSON: {"text": ...}.')
    if route.files and not _says_json(route, request, raw):
        return raw
    if request.content_type == "text/plain" and takes_text(route.body):
        return read_values(route.body, {"text": raw.decode("utf-8", "replace"), **request.query})
    raw = raw.strip() or b"{}"
    if not raw.startswith(b"{"):
        raise InvalidParams("The body must be a JSON object.")
    try:
        return route.body.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise InvalidParams(explain(error)) from None


def _says_json(route: Route, request: web.Request, body: bytes) -> bool:
    """Whether a body is JSON rather than the file itself; curl calls both a form when it is not told the type."""
    if request.content_type in route.files:
        return False
    return request.content_type == "application/json" or body.lstrip()[:1] == b"{"


@web.middleware
async def edge(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn every error into a problem in the form that was asked for; nothing unexpected reaches the caller."""
    try:
        return await handler(request)
    except VmkopsError as error:
        return _problem(request, error.problem(), error)
    except knowledge.errors.Unreadable as unread:
        return _problem(request, InvalidParams(unread.message, list(unread.suggestions)).problem(), None)
    except knowledge.errors.NotFound as unknown:
        return _problem(request, NotFound(unknown.message, list(unknown.suggestions)).problem(), None)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _problem(request, _http_problem(request, error), error)
    except Exception:
        incident = secrets.token_hex(4)
        log.exception("request failed", extra={"incident": incident, "path": request.path})
        detail = f"Something unexpected happened. The log of the service tells more under incident {incident}."
        return _problem(request, Problem(title="Internal error", status=500, detail=detail), None)


def _problem(request: web.Request, problem: Problem, error: Exception | None) -> web.Response:
    asked = request.query.get("format")
    form = asked if asked in ("json", "text", "html") else accepted(request.headers.get("Accept", ""))
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, NotSignedIn) else {}
    if isinstance(error, VmkopsError) and error.retryable:
        headers["Retry-After"] = "10"
    if isinstance(error, web.HTTPMethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.allowed_methods))
    return respond(*render_problem(problem, form), problem.status, headers)  # type: ignore[arg-type]  # checked above


def _http_problem(request: web.Request, error: web.HTTPException) -> Problem:
    details = {
        404: f"There is nothing at {request.path[:200]}. GET /docs lists every call.",
        405: f"{request.method} is not possible here. GET /docs lists every call.",
        413: f"The body is larger than the {BODY_LIMIT >> 20} MiB that this service takes.",
    }
    return Problem(title=error.reason, status=error.status, detail=details.get(error.status, error.text or ""))
