"""OVF and OVA packages: a lint against the best practices, and what OVF gives."""

from __future__ import annotations

from pydantic import Field

from knowledge.ovf import GAINS, PRACTICES, WAYS
from service.api.lookups import Fact, Finding
from service.api.models import Value
from service.http._lint import LintAnswer, findings_text
from service.http._route import Call, FileText, Query, Route
from service.http._workers import run_worker

LARGEST_PACKAGE = 16 << 20
"""Bytes of a body."""


class OvfAnswer(Value):
    """What OVF gives, how to make a package, and the best practices."""

    gains: tuple[Fact, ...] = Field(description="What OVF gives.")
    ways: tuple[Fact, ...] = Field(description="How to make a package.")
    practices: tuple[Fact, ...] = Field(description="The best practices for appliances, which the lint checks.")


async def _about(call: Call[Query, None]) -> OvfAnswer:
    return OvfAnswer(gains=GAINS, ways=WAYS, practices=PRACTICES)


async def _lint(call: Call[Query, FileText]) -> LintAnswer:
    file = call.body.content
    content = file.encode() if isinstance(file, str) else file
    advice = "Run `vmkops ovf lint FILE` in the shell, which has no such limit."
    return LintAnswer.of(await run_worker(call, "ovf_lint", list[Finding], file=content, advice=advice))


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
        body_limit=LARGEST_PACKAGE,
        if_too_large="For a larger package, use `vmkops ovf lint FILE`.",
        lookup=True,
        text=findings_text,
    ),
)
