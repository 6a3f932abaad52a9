"""One answer in three forms: JSON for programs, text for terminals and chat, HTML for browsers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from pydantic import BaseModel

from knowledge.procedure_store.text import marked
from service.api.models import Problem
from service.errors import InvalidParams
from service.http._markdown import markdown
from service.http._route import Form, Route

MEDIA: dict[Form, str] = {"json": "application/json", "text": "text/plain", "html": "text/html"}
WEB = Path(__file__).resolve().parent.parent / "web"

pages = jinja2.Environment(
    loader=jinja2.FileSystemLoader(WEB / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
pages.globals.update(markdown=markdown, marked=marked)


def choose_form(request: web.Request, otherwise: Form = "json") -> Form:
    """The form that `?format=` asks for, else the one that the Accept header prefers, else `otherwise`."""
    asked = request.query.get("format")
    if asked is not None:
        if asked in MEDIA:
            return asked
        raise InvalidParams(f"There is no format {asked[:40]!r}; choose json, text or html.", list(MEDIA))
    return accepted(request.headers.get("Accept", ""), otherwise)


def accepted(header: str, otherwise: Form = "json") -> Form:
    """The best of the three forms for an Accept header; `otherwise` when it has no preference among them."""
    if not header or header == "*/*":
        return otherwise
    best: tuple[float, int, Form] = (0.0, 0, otherwise)
    for part in header.split(","):
        media, _, parameters = part.strip().partition(";")
        quality = 1.0
        for parameter in parameters.split(";"):
            name, _, value = parameter.strip().partition("=")
            if name == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        for form, own in MEDIA.items():
            if media.strip().lower() in (own, "application/problem+json" if form == "json" else own):
                best = max(best, (quality, form == otherwise, form), key=lambda each: each[:2])
    return best[2]


def render(route: Route, answer: BaseModel, form: Form) -> tuple[bytes, str]:
    """The body and its content type."""
    if form == "json":
        return answer.model_dump_json().encode(), "application/json"
    if form == "text":
        return (route.text(answer) if route.text else plain(answer)).encode(), "text/plain"
    html = pages.get_template(route.page).render(answer=answer, route=route, plain=plain(answer))
    return html.encode(), "text/html"


def render_problem(problem: Problem, form: Form) -> tuple[bytes, str]:
    """An error in the form that was asked for."""
    if form == "json":
        return problem.model_dump_json().encode(), "application/problem+json"
    if form == "text":
        lines = [problem.title, problem.detail, *(f"- {each}" for each in problem.suggestions)]
        return ("\n".join(filter(None, lines)) + "\n").encode(), "text/plain"
    return pages.get_template("problem.html").render(problem=problem).encode(), "text/html"


def plain(answer: BaseModel) -> str:
    """An answer as indented text, for calls that have no form of their own."""
    return json.dumps(answer.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def respond(body: bytes, media: str, status: int, headers: dict[str, Any] | None = None) -> web.Response:
    """The response; text and HTML say that they are UTF-8."""
    charset = None if media.endswith("json") else "utf-8"
    return web.Response(body=body, status=status, content_type=media, charset=charset, headers=headers)
