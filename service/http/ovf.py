"""OVF and OVA packages: a lint against the best practices, and what OVF gives."""

from __future__ import annotations

import asyncio

from pydantic import Field

from knowledge.ovf import GAINS, PRACTICES, WAYS, lint_bytes
from service.api.lookups import Fact
from service.api.models import Value
from service.http._lint import LintAnswer, findings_text
from service.http._route import Call, FileText, Query, Route


class OvfAnswer(Value):
    """What OVF gives, how to make a package, and the best practices."""

    gains: tuple[Fact, ...] = Field(description="What OVF gives.")
    ways: tuple[Fact, ...] = Field(description="How to make a package.")
    practices: tuple[Fact, ...] = Field(description="The best practices for appliances, which the lint checks.")


async def _about(call: Call[Query, None]) -> OvfAnswer:
    return OvfAnswer(gains=GAINS, ways=WAYS, practices=PRACTICES)


async def _lint(call: Call[Query, FileText]) -> LintAnswer:
    file = call.body.content
    return LintAnswer.of(await asyncio.to_thread(lint_bytes, file.encode() if isinstance(file, str) else file))


def _about_text(answer: OvfAnswer) -> str:
    titled = (
        ("What OVF gives", answer.gains),
        ("How to make a package", answer.ways),
        ("Best practices for appliances", answer.practices),
    )
    lines: list[str] = []
    for title, facts in titled:
        lines.append(title)
        for fact in facts:
            lines += [f"  {fact.topic}: {fact.text}", *(f"      {command}" for command in fact.commands)]
    return "\n".join(lines) + "\n"


ROUTES = (
    Route(
        method="GET",
        path="/ovf",
        summary="What OVF gives, how to make a package, and the best practices for appliances",
        handle=_about,
        answer=OvfAnswer,
        lookup=True,
        text=_about_text,
        page="ovf.html",
    ),
    Route(
        method="POST",
        path="/ovf/lint",
        summary="An OVF descriptor or a whole OVA, checked against the best practices for appliances",
        handle=_lint,
        answer=LintAnswer,
        body=FileText,
        files=("text/xml", "application/xml", "text/plain", "application/octet-stream", "application/x-tar"),
        lookup=True,
        text=findings_text,
    ),
)
