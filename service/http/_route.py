"""What a call of the API is, declared once: the router, the checks and the OpenAPI document all read it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_origin

from aiohttp import web
from pydantic import BaseModel, ValidationError

from service.api.models import Value
from service.api.settings import Settings
from service.errors import InvalidParams
from service.jobs.action import Action, Context
from service.jobs.engine import Jobs
from service.jobs.schedules import Schedules
from service.store.checklist_runs import Runs
from service.store.procedures import Procedures
from service.store.tokens import Actor, Scope, Tokens

M = TypeVar("M", bound=BaseModel)

Form = Literal["json", "text", "html"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What handlers work with, made once by the composition."""

    settings: Settings
    tokens: Tokens
    jobs: Jobs
    schedules: Schedules
    runs: Runs
    actions: Mapping[str, Action]
    context: Context
    procedures: Procedures
    health: dict[str, Callable[[], Any]] = field(default_factory=dict)
    """What each part says about itself, by the part's name, for /readyz."""


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


class Query(Value):
    """Base of a call's query parameters; an unknown parameter is ignored, as browsers and proxies add some."""


class FileText(Value):
    """The text of a file, for callers that send JSON rather than the file itself."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request as a handler sees it: who asks, what was asked, and what to work with."""

    request: web.Request
    services: Services
    actor: Actor | None
    query: Any
    body: Any

    def path(self, name: str) -> str:
        """A variable of the path, decoded."""
        return self.request.match_info[name]

    def file(self) -> str | bytes:
        """The file that was sent, on a call that takes one: its bytes, or the text that JSON brought."""
        return self.body if isinstance(self.body, bytes) else str(self.body.text)

    def known_actor(self) -> Actor:
        """Who asks, on a call that needs a scope."""
        assert self.actor is not None
        return self.actor


Handler = Callable[[Call], Awaitable[BaseModel | web.StreamResponse]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One call: method and path, who may, what goes in and out, and how it is shown to people."""

    method: str
    path: str
    summary: str
    handle: Handler
    answer: type[BaseModel] | None = None
    """The model of the answer; None for a stream or a document that is not JSON."""
    scope: Scope | None = None
    """The scope that the caller's token must have; None is open to everyone."""
    lookup: bool = False
    """A lookup is open to everyone too, unless VMKOPS_LOOKUPS_PUBLIC is false, and its answers are remembered."""
    query: type[Query] = Query
    body: type[BaseModel] | None = None
    files: tuple[str, ...] = ()
    """The media types of a body that is a file as it is; any body but JSON is then handed on as bytes."""
    status: int = 200
    text: Callable[[Any], str] | None = None
    page: str = "answer.html"
    form: Form = "json"
    """The form of the answer for callers that have no preference."""
    media: str = "application/json"
    errors: tuple[int, ...] = ()
    """The error statuses that this call answers besides those that every call may."""


def takes_text(model: type[BaseModel]) -> bool:
    """Whether a plain text makes this body: `text` is all that it needs."""
    return [name for name, field in model.model_fields.items() if field.is_required()] == ["text"]


def all_routes() -> list[Route]:
    """The routes of every module in this folder, in a stable order."""
    import service.http as folder

    routes: list[Route] = []
    for module in sorted(pkgutil.iter_modules(folder.__path__), key=lambda item: item.name):
        if not module.name.startswith("_"):
            routes += importlib.import_module(f"service.http.{module.name}").ROUTES
    return routes


def read_query(model: type[M], request: web.Request) -> M:
    """The query as the model: a list takes every repeat of its parameter, any other field the first."""
    asked = request.query
    repeated = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is list}
    return read_values(model, {name: asked.getall(name) if name in repeated else asked[name] for name in asked})


def read_values(model: type[M], values: Mapping[str, Any]) -> M:
    """`values` as the model; raises InvalidParams that names each value that does not fit."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidParams(explain(error)) from None


def explain(error: ValidationError) -> str:
    """What is wrong with each value, in one line."""
    parts = []
    for item in error.errors(include_url=False, include_input=False)[:5]:
        name = ".".join(str(part) for part in item["loc"]) or "body"
        parts.append(f"{name}: {item['msg'].removeprefix('Value error, ')}")
    return "; ".join(parts)
