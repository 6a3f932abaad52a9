"""A pasted log, decoded: every code, status and name in it, its place and its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import Field

from service.api.lookups import Decoded
from service.errors import InvalidParams
from service.http._render import respond
from service.http._route import Call, FileText, Query, Route
from service.http._workers import run_worker
from service.web.pages import pages

LARGEST_LOG = 16 << 20
"""Bytes of a body."""

IN_THE_SHELL = "Run `vmkops decode FILE` in the shell, which has no such limit."

FILES = (
    "text/plain",
    "application/octet-stream",
    "application/gzip",
    "application/x-tar",
    "application/zip",
    "application/x-xz",
    "application/zstd",
    "application/x-bzip2",
    "application/x-ndjson",
)

_RELEASE = Field(default=None, max_length=100, description="One release, as in 6.7 or esx-3.5.")


class DecodeQuery(Query):
    """The ESX release of a log that is sent as it is, if that is known."""

    release: str | None = _RELEASE


class LogText(FileText):
    """The log text, and the ESX release it comes from if that is known."""

    release: str | None = _RELEASE


async def _form(call: Call[Query, None]) -> web.StreamResponse:
    html = pages.get_template("decode_form.html").render()
    return respond(html.encode(), "text/html", 200)


def _of_form(fields: Mapping[str, str | bytes]) -> LogText:
    """The log that a form has as a file, or else as pasted text; raises InvalidParams for neither and for both."""
    if not {"file", "text"} & fields.keys():
        raise InvalidParams("The form has no log in it. Send the log in the field 'file', or its text in 'text'.")
    if fields.get("file") and fields.get("text", "").strip():
        raise InvalidParams(
            "The form has both a file and pasted text. Send one of them: clear the text, or leave the file out."
        )
    sent = fields.get("file") or fields.get("text") or b""
    return LogText.sent(_bytes(sent), release=fields.get("release") or None)


async def _decode(call: Call[DecodeQuery, LogText]) -> Decoded:
    return await run_worker(call, "decode", Decoded, advice=IN_THE_SHELL, **_asked(call))


async def _decode_page(call: Call[DecodeQuery, LogText]) -> web.StreamResponse:
    html = await run_worker(call, "decode_page", str, advice=IN_THE_SHELL, **_asked(call))
    return respond(html.encode(), "text/html", 200)


def _asked(call: Call[DecodeQuery, LogText]) -> dict[str, Any]:
    return {
        "file": _bytes(call.body.content),
        "release": call.body.release or call.query.release,
        "data_dir": str(call.services.settings.data_dir),
    }


def _bytes(content: str | bytes) -> bytes:
    return content.encode(errors="replace") if isinstance(content, str) else content


def _text(answer: Decoded) -> str:
    lines: list[str] = []
    advised: set[str] = set()
    for each in answer.findings:
        meaning = each.summary if each.summary.startswith(each.text) else f"{each.text}: {each.summary}"
        lines.append(f"{each.file + ':' if each.file else ''}{each.line}:{each.start + 1}: {meaning}")
        if each.next and each.next not in advised:
            advised.add(each.next)
            lines.append(f"  next: {each.next}")
    if not lines:
        lines.append(f"Nothing found: no code, status, event, fault or storage name in {answer.looked_at.in_words}.")
    return "\n".join([*lines, *answer.incident.splitlines(), *answer.looked_at.problems]) + "\n"


ROUTES = (
    Route(method="GET", path="/decode", summary="A page to paste a log into", handle=_form, media="text/html"),
    Route(
        method="POST",
        path="/decode",
        summary="Every code, SCSI status and storage name in a log text, and what it means",
        handle=_decode,
        answer=Decoded,
        query=DecodeQuery,
        body=LogText,
        files=FILES,
        body_limit=LARGEST_LOG,
        if_too_large="For a larger log, use `vmkops decode FILE`.",
        lookup=True,
        text=_text,
        html=_decode_page,
        form_body=_of_form,
        errors=(413,),
    ),
)
