"""A pasted log, decoded: every code, status and name in it, its place and its meaning."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Mapping

from aiohttp import web
from pydantic import Field

from knowledge.loghistory import LogHistory
from knowledge.vmkerr.table import Tables, tables_in
from knowledge.vmklog.stream import Progress, blocks_of, decode_stream
from service.api.lookups import Decoded, LogFinding
from service.api.models import Value
from service.http._render import respond
from service.http._route import Call, Query, Route, read_values
from service.web.log_page import LogPage
from service.web.pages import pages

MOST_FINDINGS = 5000
"""How many findings of one text are listed; all are counted."""


class LogText(Value):
    """The log text, and the ESX release it comes from if that is known."""

    text: str
    release: str | None = Field(default=None, max_length=100, description="One release, as in 6.7 or esx-3.5.")


async def _form(call: Call[Query, None]) -> web.StreamResponse:
    html = pages.get_template("decode_form.html").render()
    return respond(html.encode(), "text/html", 200)


def _of_form(fields: Mapping[str, str | bytes]) -> LogText:
    """The log that a form has as a file, or else as pasted text."""
    sent = fields.get("file") or fields.get("text") or ""
    text = sent if isinstance(sent, str) else sent.decode("utf-8", "replace")
    return read_values(LogText, {"text": text, "release": fields.get("release") or None})


async def _decode(call: Call[Query, LogText]) -> Decoded:
    tables = tables_in(call.services.settings.data_dir)
    return await asyncio.to_thread(_decoded, call.body.text, call.body.release, tables)


async def _decode_page(call: Call[Query, LogText]) -> web.StreamResponse:
    tables = tables_in(call.services.settings.data_dir)
    html = await asyncio.to_thread(_page, call.body.text, call.body.release, tables)
    return respond(html.encode(errors="replace"), "text/html", 200)


def _page(text: str, release: str | None, tables: Tables) -> str:
    page = LogPage()
    content = io.BytesIO(text.encode(errors="replace"))
    for lines in decode_stream(blocks_of(content.read), release, tables, Progress()):
        page.add(lines)
    return page.html(served=True)


def _decoded(text: str, release: str | None, tables: Tables) -> Decoded:
    findings: list[LogFinding] = []
    counts: Counter[str] = Counter()
    history = LogHistory()
    content = io.BytesIO(text.encode(errors="replace"))
    for lines in decode_stream(blocks_of(content.read), release, tables, Progress()):
        history.add_all(lines)
        for line in lines:
            for finding in line.findings:
                counts[finding.summary] += 1
                if len(findings) < MOST_FINDINGS:
                    findings.append(LogFinding.of(finding))
    report = history.report()
    return Decoded(
        findings=tuple(findings),
        summary=dict(counts.most_common()),
        truncated=counts.total() > len(findings),
        subjects=report.subjects,
        incident=report.incident,
    )


def _text(answer: Decoded) -> str:
    lines = [f"{each.line}:{each.start + 1}: {each.text}: {each.summary}" for each in answer.findings]
    lines += [*answer.incident.splitlines()]
    return "\n".join(lines) + "\n" if lines else "This text has nothing that vmkops knows.\n"


ROUTES = (
    Route(method="GET", path="/decode", summary="A page to paste a log into", handle=_form, media="text/html"),
    Route(
        method="POST",
        path="/decode",
        summary="Every code, SCSI status and storage name in a log text, and what it means",
        handle=_decode,
        answer=Decoded,
        body=LogText,
        lookup=True,
        text=_text,
        html=_decode_page,
        form_body=_of_form,
        errors=(413,),
    ),
)
