"""What a call of the API is: declared once, read by the router, the checks and the OpenAPI document."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Self, TypeVar, get_origin

from aiohttp import web
from pydantic import BaseModel, PrivateAttr, ValidationError

from knowledge.procedure_store.entry_points import procedures_of_call
from service.api.mistakes import explain
from service.api.models import Value
from service.api.settings import Settings
from service.backups.brought import BroughtDisks
from service.copies.lists import CopyLists
from service.errors import InvalidParams
from service.figures.collector import Figures
from service.files.readers import FileReaders
from service.jobs.action import Action, Context
from service.jobs.engine import Jobs
from service.jobs.schedules import Schedules
from service.store.audit import Audit, Event
from service.store.checklist_runs import ChecklistRuns
from service.store.page_history import PageHistory
from service.store.procedure_runs import ProcedureRuns
from service.store.procedures import Procedures
from service.store.tokens import Actor, Scope, Tokens

Form = Literal["json", "text", "html"]

BODY_LIMIT = 1 << 20
"""Bytes of a body, for calls that do not state another limit."""

M = TypeVar("M", bound=BaseModel)
Q = TypeVar("Q", bound="Query")
"""The model of a call's query parameters."""
B = TypeVar("B")
"""The model of its body; None for a call that takes none."""
A = TypeVar("A")
"""The type of its answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What handlers work with; the bootstrap makes it once."""

    settings: Settings
    tokens: Tokens
    audit: Audit
    jobs: Jobs
    schedules: Schedules
    checklist_runs: ChecklistRuns
    procedure_runs: ProcedureRuns
    actions: Mapping[str, Action]
    context: Context
    procedures: Procedures
    page_history: PageHistory
    figures: Figures
    disks: BroughtDisks
    files: FileReaders = field(default_factory=FileReaders)
    copies: CopyLists = field(default_factory=CopyLists)
    health: dict[str, Callable[[], Any]] = field(default_factory=dict)
    """What each part reports about itself, by its name, for /readyz."""


class Query(Value):
    """Base of a call's query parameters; `_unknown.check_query` refuses those that the call does not have."""


class FileText(Value):
    """The text of a file, for callers that send JSON rather than the file itself."""

    text: str
    _raw: bytes | None = PrivateAttr(default=None)

    @classmethod
    def sent(cls, raw: bytes, **fields: Any) -> Self:
        """The body of a call whose caller sent the file itself, with the other fields that came with it.

        Raises InvalidParams when one of those does not fit.
        """
        made = read_values(cls, {"text": "", **fields})
        made._raw = raw
        return made

    @property
    def content(self) -> str | bytes:
        """The bytes of the file, or its text when the caller sent JSON."""
        return self.text if self._raw is None else self._raw


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Generic[Q, B]):
    """One request as a handler sees it: who calls, the checked query and body, and what to work with."""

    request: web.Request
    services: Services
    actor: Actor | None
    query: Q
    body: B
    variables: Mapping[str, str] = field(default_factory=dict)
    """The variables of the path, decoded."""

    def path(self, name: str) -> str:
        """A variable of the path."""
        return self.variables[name]

    def known_actor(self) -> Actor:
        """The caller, for a call that needs a scope."""
        assert self.actor is not None
        return self.actor


@dataclass(frozen=True, kw_only=True, slots=True)
class Route(Generic[Q, B, A]):
    """One call: method and path, the scope it needs, what goes in and out, and how people see the answer."""

    method: str
    path: str
    summary: str
    handle: Callable[[Call[Q, B]], Awaitable[A]]
    answer: type[A] | None = None
    """The type of the answer, a model or a dataclass; None when the handler makes the response itself."""
    scope: Scope | None = None
    """The scope that the caller's token must have; None: everyone may call, unless VMKOPS_LOOKUPS_PUBLIC is false."""
    lookup: bool = False
    """A lookup; answers without a body are cached."""
    health: bool = False
    """Answered without a token even when VMKOPS_LOOKUPS_PUBLIC is false, and never limited."""
    query: type[Q] = Query  # type: ignore[assignment]  # a handler that declares another query must name it
    body: type[B] | None = None
    files: tuple[str, ...] = ()
    """The media types of a file that may be the body; FileText then holds the file, or the text from JSON."""
    form_body: Callable[[Mapping[str, str | bytes]], B] | None = None
    """Makes the body of the fields of a form that a browser sends as ``multipart/form-data``; a file is bytes."""
    body_limit: int = BODY_LIMIT
    """The largest body, in bytes; more than the default only for calls that take files."""
    if_too_large: str = ""
    """What to do instead with a body that is too large, as a sentence in the problem."""
    status: int = 200
    location: Callable[[A], str] | None = None
    """The path of what the call made, for the Location header."""
    etag: Callable[[A], str] | None = None
    """The ETag header of the answer as JSON, which a change can require in If-Match."""
    text: Callable[[A], str] | None = None
    page: str = "answer.html"
    """The template of the page that shows the answer."""
    html: Callable[[Call[Q, B]], Awaitable[web.StreamResponse]] | None = None
    """Answers with the page instead of `handle`, where the page shows more than the answer has."""
    markdown: Callable[[A], str] | None = None
    """The Markdown that the page shows as its `body`."""
    form: Form = "json"
    """The form of the answer for callers that have no preference."""
    media: str = "application/json"
    audit: Event | None = None
    """What the audit records when the call has changed something."""
    about: Callable[[A], Mapping[str, str]] = lambda _: {}
    """What the audit keeps of the answer, in addition to the variables of the path."""
    errors: tuple[int, ...] = ()
    """The error statuses of this call, in addition to those of every call."""

    @property
    def procedures(self) -> tuple[str, ...]:
        """The slugs of the pages about this call, the most helpful one first."""
        return procedures_of_call(self.method, self.path)


AnyRoute = Route[Any, Any, Any]
AnyCall = Call[Any, Any]


def takes_text(model: type[BaseModel]) -> bool:
    """Whether plain text can be this body: `text` is its only required field."""
    return [name for name, field in model.model_fields.items() if field.is_required()] == ["text"]


def all_routes() -> list[AnyRoute]:
    """The routes of every module in this folder, in a stable order."""
    import service.http as folder

    routes: list[AnyRoute] = []
    for module in sorted(pkgutil.iter_modules(folder.__path__), key=lambda item: item.name):
        if not module.name.startswith("_"):
            routes += importlib.import_module(f"service.http.{module.name}").ROUTES
    return routes


def read_query(model: type[M], request: web.Request) -> M:
    """The query as the model: a list takes every repeat of its parameter, any other field the first."""
    asked = request.query
    repeated = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is list}
    return read_values(model, {name: asked.getall(name) if name in repeated else asked[name] for name in asked})


def read_values(model: type[M], values: Mapping[str, Any], what: str = "This call") -> M:
    """`values` as the model; raises InvalidParams that says what is wrong with each value. `what` takes the values."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidParams(explain(error, model, what)) from None
