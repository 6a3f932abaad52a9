"""Lookups with what a service has: the tables that a team imported there, and its pages.

They ask the service that somebody named. When it does not answer in time, one line on standard error says so, and the
lookup uses what is on this computer. The token goes where completion sends it: a `vmkops.toml` that is there only
because the person is in its folder does not decide where a secret goes.

This asks with urllib, because `service.api.client` takes several times as long to import as a lookup takes.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import fields
from http import HTTPStatus
from http.client import HTTPException
from typing import IO, Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit

from knowledge.errors import NotFound
from knowledge.for_people import amount
from knowledge.releases import built_in_releases
from knowledge.vmkerr.listing import read_listing, release_id
from knowledge.vmkerr.table import Row, Tables, with_rows
from service.api.words import printable_lines
from vmkops.commands._service import Asked, chosen, chosen_for_completion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from knowledge.procedure_store.answer import Answer
    from knowledge.procedure_store.procedure import Procedure
    from knowledge.procedure_store.search import Hit

SECONDS = 2.0
"""How long a lookup waits for the service, for all its calls together."""
LARGEST = 8 << 20
"""The bytes of the longest answer that is read."""
MOST_CHARACTERS = 1000
"""How much of a search counts."""
INSTEAD = "The tables and pages of this computer are used instead."
WITHHELD = (
    "{url} needs a token, and none was sent: vmkops.toml in the current folder chooses the service. If you trust the "
    "file, name it in VMKOPS_CONFIG."
)

T = TypeVar("T")
Get = Callable[..., str]
"""Takes a path and the parameters of a query; raises _Refused, OSError, HTTPException and ValueError."""


class _Refused(Exception):
    """An answer with a status other than 2xx, and its body as text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status)
        self.status = status
        self.text = text


def with_imported(command: str, tables: Tables) -> Tables:
    """The tables, and those imported into the service; the same tables when it does not answer."""
    added = _ask(command, _imported)
    return with_rows(tables, added) if added else tables


def search(words: str, limit: int) -> Answer | None:
    """The answer of the service to a search of procedures; None when it does not answer."""
    return _ask("kb", lambda get: _found(get, q=words[:MOST_CHARACTERS], limit=str(limit)))


def pages() -> tuple[Hit, ...] | None:
    """All procedures of the service; None when it does not answer."""
    found = _ask("kb", _found)
    return found.hits if found else None


def page(slug: str) -> Procedure | None:
    """One procedure of the service, with its path there as the file; None when the service does not answer.

    Raises NotFound when the service does not have it.
    """
    return _ask("kb", lambda get: _page(get, slug))


def _ask(command: str, look_up: Callable[[Get], T]) -> T | None:
    """What the service answers; None, and a line on standard error, when it does not answer in time or not so.

    Raises ServiceError for a token that the service refuses, SettingError, and NotFound.
    """
    service, trusted = chosen(), chosen_for_completion()
    with_token = trusted is not None and trusted.url == service.url
    asked = trusted if trusted is not None and with_token else Asked(service.url, None, service.ca_file)
    try:
        return _in_time(lambda: look_up(_caller(asked)))
    except _Refused as error:
        from service.api.refusals import refusal

        failed = refusal(error.status, error.text)
        refused = error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        if refused and with_token:
            raise failed from None
        why = WITHHELD.format(url=asked.url) if refused else failed.problem.detail or failed.problem.title
    except (OSError, HTTPException) as error:
        why = f"vmkops at {asked.url} does not answer: {_why(error, asked.url)}."
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        why = f"{asked.url} answers, but not as vmkops of this version does."
    print(printable_lines(f"vmkops {command}: {why} {INSTEAD}"), file=sys.stderr)
    return None


def _in_time(work: Callable[[], T]) -> T:
    """What the work comes to; raises what it raises, and TimeoutError.

    It runs in a thread that ends with the process: nothing else ends the wait for a name server.
    """
    came: list[T] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            came.append(work())
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if failed:
        raise failed[0]
    if not came:
        raise TimeoutError
    return came[0]


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody to another address: the token is for this one alone."""

    def redirect_request(self, *_: Any) -> None:
        """Let the answer count as an error."""


def _caller(asked: Asked) -> Get:
    """What calls the service, without the proxies of the environment, as the client of the other commands does."""
    context = ssl.create_default_context()
    if asked.ca_file is not None:
        context.load_verify_locations(asked.ca_file)
    https = urllib.request.HTTPSHandler(context=context)
    opener = urllib.request.build_opener(_Stay, https, urllib.request.ProxyHandler({}))
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {asked.token}"} if asked.token else {})

    def get(path: str, **query: str) -> str:
        url = f"{asked.url.rstrip('/')}{path}?{urlencode(query)}"
        call = urllib.request.Request(url, headers=headers)  # noqa: S310 - the settings take http and https alone
        try:
            with opener.open(call, timeout=SECONDS) as answer:
                return _read(answer).decode()
        except HTTPError as error:
            with error:
                raise _Refused(error.code, _read(error).decode(errors="replace")) from None

    return get


def _read(answer: IO[bytes]) -> bytes:
    """The body of an answer; raises ValueError for one that is longer than LARGEST."""
    body = answer.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise ValueError(f"the answer is larger than {amount(LARGEST)}")
    return body


def _why(error: OSError | HTTPException, url: str) -> str:
    """Why there is no answer, in a few words."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return f"no answer within {SECONDS:.0f} seconds"
    if isinstance(reason, socket.gaierror):
        return f"the name {urlsplit(url).hostname} is not known"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({reason.verify_message}). Name its CA in VMKOPS_SERVICE_CA_FILE"
    if isinstance(reason, ssl.SSLError):
        return "it does not speak HTTPS, or not in a version that is safe"
    if isinstance(reason, OSError) and reason.errno:
        return os.strerror(reason.errno).lower()
    return "it closed the connection, or does not speak HTTP"


def _imported(get: Get) -> dict[str, tuple[Row, ...]]:
    """The rows of each release that was imported into the service, by its id."""
    built_in = {release.id for release in built_in_releases()}
    ids = [each["id"] for each in json.loads(get("/releases"))["releases"] if each["id"] not in built_in]
    listings = {release_id(id_): printable_lines(get("/vmkerr", release=id_, format="text")) for id_ in ids}
    return {id_: read_listing(text, id_).rows for id_, text in listings.items()}


def _found(get: Get, **query: str) -> Answer:
    """The procedures for a query, or all."""
    from knowledge.procedure_store.answer import Answer
    from knowledge.procedure_store.lookups import Lookup
    from knowledge.procedure_store.search import Hit, Searched

    found = json.loads(get("/procedures", **query))
    return Answer(
        hits=tuple(_made(Hit, each) for each in found["results"]),
        lookups=tuple(_made(Lookup, each) for each in found["lookups"]),
        searched=_made(Searched, found["searched"]),
    )


def _page(get: Get, slug: str) -> Procedure:
    path = f"/procedures/{quote(slug, safe='')}"
    try:
        return page_from(json.loads(get(path)), path)
    except _Refused as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        problem = json.loads(error.text)
        raise NotFound(printable_lines(problem["detail"]), map(printable_lines, problem["suggestions"])) from None


def page_from(answer: Mapping[str, Any], path: str) -> Procedure:
    """The page that the service answers, safe to print; `path`, where it has it, takes the place of its file."""
    from knowledge.procedure_store.procedure import Procedure

    return _made(Procedure, {**answer, "file": path})


def _made(kind: Callable[..., T], answer: Mapping[str, Any]) -> T:
    """A value of this dataclass from an object of JSON, without what a newer service adds, and safe to print."""
    return kind(**{each.name: _printable(answer[each.name]) for each in fields(kind) if each.name in answer})  # type: ignore[arg-type]


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable_lines(value)
    return tuple(map(_printable, value)) if isinstance(value, list) else value
