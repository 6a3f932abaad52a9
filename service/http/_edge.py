"""What surrounds every call: errors as problems, and counting."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

import knowledge.errors
from knowledge.for_people import amount
from service.api.log import begin_request, current_request
from service.api.models import Problem, RequestProblem
from service.errors import InvalidParams, NotFound, NotSignedIn, TooManyRequests, VmkopsError
from service.http._browsers import Browsers
from service.http._metrics import seconds
from service.http._render import FORMS, accepted, render_problem, respond
from service.http._route import BODY_LIMIT

log = logging.getLogger(__name__)

REQUEST_ID = "X-Request-Id"
"""Names a request in the answer and in each line of the log; a caller may choose it."""

CUT_OFF = "The connection ended before the body of the request did."


def guarded(handler: Handler, name: str, browsers: Browsers, *, signed: bool = False) -> Handler:
    """The handler with every error as a problem in the form that the caller asks for; answers count under `name`.

    `browsers` refuses what pages of other sites send, unless the sender signs its requests, and adds its headers to
    each answer.

    This wraps each handler. A middleware would do the same, at four times the price for a lookup that is asked often.
    """

    async def answered(request: web.Request) -> web.StreamResponse:
        began = time.perf_counter()
        request_id = begin_request(request.headers.get(REQUEST_ID))
        try:
            if not signed:
                browsers.check(request)
            response = await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                error.headers[REQUEST_ID] = request_id
                raise
            response = _problem(request, error)
        except Exception as error:
            # A caller who leaves in the middle of a body is no failure of the service; nobody reads the answer.
            response = _problem(request, InvalidParams(CUT_OFF) if _has_left(request, error) else error)
        if not response.prepared:
            if "Content-Security-Policy" not in response.headers:  # remembered answers have them
                response.headers.update(browsers.headers)
            response.headers[REQUEST_ID] = request_id
        method = request.method if request.method in hdrs.METH_ALL else "other"
        seconds(method, name, response.status).observe(time.perf_counter() - began)
        return response

    return answered


def _has_left(request: web.Request, error: Exception) -> bool:
    return isinstance(error, ConnectionResetError) and (request.transport is None or request.transport.is_closing())


async def nothing_here(request: web.Request) -> web.StreamResponse:
    """The handler of every request that no route takes: raises 405 when another method would do, else 404."""
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        taken, methods = await resource.resolve(request)
        if taken is None:
            allowed |= methods
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, allowed)
    raise web.HTTPNotFound


def _problem(request: web.Request, error: Exception) -> web.Response:
    problem, headers = described(request, error)
    chosen = FORMS.get(request.query.get("format", ""))
    form = chosen or accepted(request.headers.get(hdrs.ACCEPT, ""))
    answer = RequestProblem(**dict(problem), request_id=current_request())
    return respond(*render_problem(answer, form), problem.status, headers)


def described(request: web.Request, error: Exception) -> tuple[Problem, Mapping[str, str]]:
    """The problem that an error is for the caller, and the headers that go with it."""
    match error:
        case VmkopsError():
            headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, NotSignedIn) else {}
            if isinstance(error, TooManyRequests):
                headers["Retry-After"] = str(error.retry_after)
            elif error.retryable:
                headers["Retry-After"] = "10"
            return error.problem(), headers
        case knowledge.errors.Unreadable():
            return InvalidParams(error.message, list(error.suggestions)).problem(), {}
        case knowledge.errors.NotFound():
            return NotFound(error.message, list(error.suggestions)).problem(), {}
        case web.HTTPMethodNotAllowed():
            return _http_problem(request, error), {"Allow": ", ".join(sorted(error.allowed_methods))}
        case web.HTTPException():
            return _http_problem(request, error), {}
    incident = secrets.token_hex(4)
    log.error(
        "request failed", exc_info=error, extra={"incident": incident, "method": request.method, "path": request.path}
    )
    detail = f"Something unexpected happened. For the reason, search the log of the service for incident {incident}."
    return Problem(title="Internal error", status=500, detail=detail), {}


def _http_problem(request: web.Request, error: web.HTTPException) -> Problem:
    details = {
        404: f"There is nothing at {request.path[:200]}. The page /docs lists every call.",
        405: f"{request.method} is not possible here. The page /docs lists every call.",
        413: f"The body is larger than the {amount(BODY_LIMIT)} that this service takes.",
    }
    return Problem(title=error.reason, status=error.status, detail=details.get(error.status, error.text or ""))
