"""What happens between a request and the handler of its route: who may call, what was sent, and the answer's form."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler
from multidict import CIMultiDict
from pydantic import BaseModel, ValidationError

from knowledge.for_people import amount
from service.api.mistakes import explain
from service.errors import InvalidParams, RequestTimeout, TooLarge
from service.http._access import address_of, authorize, known_token, record_call, refusals_recorded, sends_token
from service.http._answers import ANSWERS, Answer, AnswerCache
from service.http._browsers import BROWSERS, Browsers
from service.http._limits import Limits
from service.http._render import choose_form, content_type, render, respond
from service.http._route import (
    BODY_LIMIT,
    AnyRoute,
    Call,
    FileText,
    Form,
    Services,
    read_query,
    read_values,
    takes_text,
)
from service.http._unknown import check_body, check_query, field_names, is_open
from service.http._workers import run_for
from service.store.tokens import Actor

BODY_SECONDS = 60
"""How long a client may take to send a body."""
UNTYPED = ("application/x-www-form-urlencoded", "application/octet-stream")
"""What programs send as the type of a body of which they do not know the type."""
SHORTER_PAGE = "Send `Accept: text/plain` for the page as text, and ask its authors to simplify it."


def bind(route: AnyRoute, services: Services, app: web.Application, limits: Limits) -> Handler:
    """The aiohttp handler of a route in this application: it raises errors as they come."""
    if route.lookup and route.body is None:
        return _lookup(route, services, app[ANSWERS], app[BROWSERS], limits)
    return partial(_answer, route, services, limits)


def _lookup(route: AnyRoute, services: Services, answers: AnswerCache, browsers: Browsers, limits: Limits) -> Handler:
    public = services.settings.lookups_public
    links = _links(route)

    async def answer_lookup(request: web.Request) -> web.StreamResponse:
        if not public or browsers.needs_token(request):
            async with refusals_recorded(route, services, request):
                await authorize(request, services, limits, route.scope)
        elif sends_token(request):  # who sends a token wants to know that it is wrong, whatever is public
            async with refusals_recorded(route, services, request):
                await known_token(request, services, limits)
        asked = request.raw_path, request.headers.get(hdrs.ACCEPT, "")
        answer = answers.get(asked)
        if answer is None:
            if public:  # a remembered answer costs less than to count it
                await limits.count(address_of(request, services))
            revision = answers.revision
            form = choose_form(request, route.form)
            value = await _call(route, request, services, None, form)
            body, media = await _rendered(route, request, services, value, form)
            headers = {hdrs.CONTENT_TYPE: content_type(media), **links, **_etag(route, value, form)}
            answer = Answer(body, CIMultiDict(headers | browsers.headers))
            answers.put(asked, answer, revision)
        return answer.response()

    return answer_lookup


async def _answer(route: AnyRoute, services: Services, limits: Limits, request: web.Request) -> web.StreamResponse:
    form = choose_form(request, route.form)
    async with refusals_recorded(route, services, request):
        actor = None
        if not route.health or hdrs.AUTHORIZATION in request.headers:
            actor = await authorize(request, services, limits, route.scope)
        if route.body is None:
            answer = await _call(route, request, services, actor, form)
        else:
            client = f"token:{actor.token}" if actor else address_of(request, services)
            async with limits.turn(client, file=route.lookup):
                answer = await _call(route, request, services, actor, form)
    await record_call(route, services, request, actor, answer)
    if isinstance(answer, web.StreamResponse):
        return answer
    headers = _links(route) | ({hdrs.LOCATION: route.location(answer)} if route.location else {})
    headers |= _etag(route, answer, form)
    return respond(*await _rendered(route, request, services, answer, form), route.status, headers)


def _links(route: AnyRoute) -> dict[str, str]:
    """The header that leads to the pages about a call (RFC 8288)."""
    links = ", ".join(f'</procedures/{slug}>; rel="help"' for slug in route.procedures)
    return {hdrs.LINK: links} if links else {}


def _etag(route: AnyRoute, answer: Any, form: Form) -> dict[str, str]:
    return {hdrs.ETAG: route.etag(answer)} if route.etag and form == "json" else {}


async def _call(route: AnyRoute, request: web.Request, services: Services, actor: Actor | None, form: Form) -> Any:
    variables = request.match_info
    if any("\0" in value for value in variables.values()):  # no name has one, and PostgreSQL fails to search for it
        raise InvalidParams("The path contains a NUL character (%00), which no name has.")
    if not is_open(route.query):
        check_query(request, _known(route), page=form == "html")
    query = read_query(route.query, request)
    body = await _body(route, request)
    if route.scope and isinstance(body, BaseModel) and _has_nul(body.model_dump()):  # what is stored cannot have one
        raise InvalidParams("The body contains a NUL character (U+0000), which no name or text may have.")
    handle = (route.html if form == "html" else None) or route.handle
    call = Call(request=request, services=services, actor=actor, query=query, body=body, variables=variables)
    return await handle(call)


def _known(route: AnyRoute) -> set[str]:
    """The query parameters of a call; the fields of a body go there too when the body is plain text."""
    known = field_names(route.query)
    if route.body and not route.files and takes_text(route.body):
        known |= field_names(route.body) - {"text"}
    return known


async def _rendered(
    route: AnyRoute, request: web.Request, services: Services, answer: Any, form: Form
) -> tuple[bytes, str]:
    """The body of the response and its media type; a parser process renders Markdown, which may take long."""
    if form != "html" or route.markdown is None or not (text := route.markdown(answer)):
        return render(route, answer, form)
    html = await run_for(request, services, "render_markdown", str, text=text, advice=SHORTER_PAGE)
    return render(route, answer, form, html)


async def _body(route: AnyRoute, request: web.Request) -> Any:
    if route.body is None:
        return None
    if route.body_limit != BODY_LIMIT:
        request = request.clone(client_max_size=route.body_limit)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            if route.form_body and request.content_type == "multipart/form-data":
                return route.form_body(await _fields(request))
            raw = await request.read()
    except TimeoutError:
        raise RequestTimeout from None
    except web.HTTPRequestEntityTooLarge:
        limit = f"The body is larger than the {amount(route.body_limit)} that this call takes."
        raise TooLarge(f"{limit} {route.if_too_large}".rstrip()) from None
    except web.RequestPayloadError:
        encoding = request.headers.get(hdrs.CONTENT_ENCODING, "")[:40]
        what = f"It is not {encoding} data, as its Content-Encoding states." if encoding else "It is incomplete."
        raise InvalidParams(f"The body cannot be read. {what}") from None
    if route.files and not raw and hdrs.CONTENT_TYPE not in request.headers:
        raise InvalidParams('The body is missing. Send the file itself, or its text as JSON: {"text": ...}.')
    if route.files and not _is_json(route, request, raw):
        body: type[FileText] = route.body
        return body.sent(raw)
    if takes_text(route.body) and _is_text(request, raw):
        return read_values(route.body, {"text": raw.decode("utf-8", "replace"), **request.query})
    raw = raw.strip() or b"{}"
    if not raw.startswith(b"{"):
        raise InvalidParams(_not_an_object(route.body))
    try:
        body = route.body.model_validate_json(raw, strict=True)
    except ValidationError as error:
        if not is_open(route.body):  # a misspelt name explains why another field is missing
            with contextlib.suppress(ValueError):
                check_body(json.loads(raw), field_names(route.body))
        raise InvalidParams(explain(error, route.body)) from None
    if not is_open(route.body):
        check_body(json.loads(raw), field_names(route.body))
    return body


async def _fields(request: web.Request) -> dict[str, str | bytes]:
    """The fields of a form; a file field without a file is left out.

    Raises InvalidParams for a malformed form, and for two fields of one name, of which one would be ignored.
    """
    try:
        sent = await request.post()
    except (ValueError, LookupError, HttpProcessingError):  # LookupError: a part with an unknown charset
        raise InvalidParams("The form cannot be read: its parts are malformed.") from None
    fields: dict[str, str | bytes] = {}
    for name, value in sent.items():
        if name in fields:
            raise InvalidParams(f"The form has several fields with the name {name[:40]!r}. Send one.")
        if isinstance(value, str):
            fields[name] = value
        elif isinstance(value, web.FileField) and value.filename:
            fields[name] = await asyncio.to_thread(value.file.read)
    return fields


def _has_nul(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_nul(each) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value


def _is_json(route: AnyRoute, request: web.Request, body: bytes) -> bool:
    """Whether a body is JSON rather than the file itself; curl sends both as a form when no type is given."""
    if request.content_type == "application/json":
        return True
    if request.content_type in route.files and request.headers.get(hdrs.CONTENT_TYPE):
        return False
    return body.lstrip()[:1] == b"{" and _is_one_object(body)


def _not_an_object(body: type[BaseModel]) -> str:
    """What a body of this model has to be, by the fields that it needs."""
    needed = [f'"{field.alias or name}": ...' for name, field in body.model_fields.items() if field.is_required()]
    example = f", such as {{{', '.join(needed)}}}" if needed else ""
    plain = ", or the text itself with Content-Type: text/plain" if takes_text(body) else ""
    return f"The body must be a JSON object{example}{plain}."


def _is_text(request: web.Request, body: bytes) -> bool:
    """Whether a body is the text itself rather than JSON with the text in it."""
    if request.content_type in ("text/plain", "text/markdown"):
        return True
    sent = request.headers.get(hdrs.CONTENT_TYPE)
    untyped = not sent or request.content_type in UNTYPED or request.content_type.startswith("text/")
    return untyped and bool(body.strip()) and body.lstrip()[:1] != b"{"


def _is_one_object(body: bytes) -> bool:
    """Whether a body is one JSON object; a log in JSON lines has one for each line."""
    try:
        return isinstance(json.loads(body), dict)
    except json.JSONDecodeError as error:
        return error.msg != "Extra data"
    except (ValueError, RecursionError):
        return True  # reading it says what is wrong
