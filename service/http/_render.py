"""One answer in three forms: JSON for programs, text for terminals and chat, HTML for browsers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict

from aiohttp import hdrs, web
from markupsafe import Markup, escape
from pydantic import TypeAdapter

from knowledge.procedure_store.text import marked
from knowledge.runs.marks import attributed
from service.api.adapter import adapter
from service.api.models import Problem
from service.api.results import result_words
from service.errors import InvalidParams
from service.http._route import A, B, Form, Q, Route
from service.web.markdown import markdown
from service.web.pages import pages

IN_BACKQUOTES = re.compile(r"`([^`\n]+)`")
MEDIA: dict[Form, str] = {"json": "application/json", "text": "text/plain", "html": "text/html"}
FORMS: dict[str, Form] = {form: form for form in MEDIA}


def marked_html(snippet: str) -> Markup:
    """A snippet as HTML, with the matched words marked."""
    return Markup(marked(str(escape(snippet)), "<mark>", "</mark>"))  # noqa: S704 - the snippet is escaped


def coded(text: str) -> Markup:
    """A message as HTML, with what is between backquotes as code."""
    return Markup(IN_BACKQUOTES.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - the message is escaped


pages.filters["coded"] = coded
pages.globals.update(
    asdict=asdict, attributed=attributed, markdown=markdown, marked_html=marked_html, result_words=result_words
)


def choose_form(request: web.Request, otherwise: Form = "json") -> Form:
    """The form that `?format=` names, else the one that the Accept header prefers, else `otherwise`."""
    named = request.query.get("format")
    if named is not None:
        if (form := FORMS.get(named)) is not None:
            return form
        raise InvalidParams(f"There is no format {named[:40]!r}; choose json, text or html.", list(MEDIA))
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


def render(route: Route[Q, B, A], answer: A, form: Form, body: str = "") -> tuple[bytes, str]:
    """The body and its media type; the answer is one of the route's declared type.

    `body` is the route's Markdown as HTML, for its page.
    """
    if form == "json":
        return _adapter(route).dump_json(answer), "application/json"
    if form == "text":
        return (route.text(answer) if route.text else plain(route, answer)).encode(), "text/plain"
    html = pages.get_template(route.page).render(answer=answer, route=route, body=body, plain=plain(route, answer))
    return html.encode(), "text/html"


def render_problem(problem: Problem, form: Form) -> tuple[bytes, str]:
    """An error in the form that the caller asks for: the body and its media type."""
    if form == "json":
        return problem.model_dump_json().encode(), "application/problem+json"
    if form == "text":
        lines = [problem.title, problem.detail, *(f"- {each}" for each in problem.suggestions)]
        return ("\n".join(filter(None, lines)) + "\n").encode(), "text/plain"
    return pages.get_template("problem.html").render(problem=problem).encode(), "text/html"


def plain(route: Route[Q, B, A], answer: A) -> str:
    """An answer as indented JSON, for calls without a text or a page of their own."""
    return json.dumps(_adapter(route).dump_python(answer, mode="json"), indent=2, ensure_ascii=False) + "\n"


def respond(body: bytes, media: str, status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    """The response to a call, with the content type for this media type."""
    sent = {hdrs.CONTENT_TYPE: content_type(media), **(headers or {})}
    return web.Response(body=body, status=status, headers=sent)


def content_type(media: str) -> str:
    """The value of the Content-Type header: text and HTML are UTF-8."""
    return media if media.endswith("json") else f"{media}; charset=utf-8"


def _adapter(route: Route[Q, B, A]) -> TypeAdapter[A]:
    assert route.answer is not None, "a call without a declared answer makes its own response"
    return adapter(route.answer)
