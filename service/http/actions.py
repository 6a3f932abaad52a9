"""The host actions: what there is, and starting one as a job."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import ConfigDict, Field

from knowledge.procedure_store.entry_points import procedures_of_action
from service.api.models import CLASS_IN_JSON, ActionClass, ActionPreview, Job, Value
from service.api.redaction import redact_params
from service.errors import Conflict, InvalidParams, NotFound
from service.http._route import Call, Query, Route, read_values
from service.jobs.action import Action, Target
from service.store.tokens import Scope

IDEMPOTENCY_KEY = "Idempotency-Key"


class ActionInfo(Value):
    """One host action: its name, how much harm it can do, the JSON Schema of its parameters, its steps, and who may."""

    model_config = CLASS_IN_JSON

    name: str
    summary: str
    class_: ActionClass
    parameters: dict[str, Any]
    steps: list[str]
    scope: str
    needs_approval: bool
    procedures: tuple[str, ...]
    """The slugs of the procedures about it."""


class ActionList(Value):
    """Every host action."""

    actions: list[ActionInfo]


class ActionRequest(Value):
    """What to do: the parameters of the action, and the caller's own reply address, kept unread.

    The parameters may stand under `params`, or by themselves: `{"vm": "web-01"}`.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    params: dict[str, Any] = Field(default_factory=dict)
    reply_to: dict[str, Any] | None = None

    def given(self) -> dict[str, Any]:
        """The parameters from both places; `params` takes precedence."""
        return {**(self.model_extra or {}), **self.params}


async def _list(call: Call[Query, None]) -> ActionList:
    return ActionList(
        actions=[
            ActionInfo(
                name=action.name,
                summary=action.summary,
                class_=action.action_class,
                parameters=action.params.model_json_schema(),
                steps=list(action.steps),
                scope=Scope.OPERATE.value,
                needs_approval=action.needs_approval,
                procedures=procedures_of_action(action.name),
            )
            for action in call.services.actions.values()
        ]
    )


async def _start(call: Call[Query, ActionRequest]) -> Job:
    key = call.request.headers.get(IDEMPOTENCY_KEY)
    if key is not None and not 1 <= len(key) <= 200:
        raise InvalidParams(f"{IDEMPOTENCY_KEY} must have 1 to 200 characters.")
    action, target = await _target(call)
    if refused := [check.message for check in target.checks if check.severity == "refuse"]:
        raise Conflict(" ".join(refused))
    return await call.services.jobs.submit(
        action,
        target,
        requested_by=call.known_actor().name,
        idempotency_key=key,
        reply_to=call.body.reply_to,
    )


async def _check(call: Call[Query, ActionRequest]) -> ActionPreview:
    action, target = await _target(call)
    return ActionPreview(
        action=action.name,
        target=target.name,
        params=redact_params(target.params),
        steps=list(action.steps),
        checks=list(target.checks),
        allowed=all(check.severity != "refuse" for check in target.checks),
        class_=action.action_class,
        label=action.label_for(target),
    )


def _preview_text(preview: ActionPreview) -> str:
    verdict = "may go ahead" if preview.allowed else "is refused"
    checks = [f"{check.severity}: {check.message}" for check in preview.checks]
    steps = f"steps: {', '.join(preview.steps)}"
    title = f"{preview.action} of {preview.target} ({preview.class_}) {verdict}"
    return "\n".join([title, *checks, steps]) + "\n"


async def _target(call: Call[Query, ActionRequest]) -> tuple[Action, Target]:
    name = call.path("name")
    action = call.services.actions.get(name)
    if action is None:
        known = sorted(call.services.actions)
        near = difflib.get_close_matches(name, known, 5, 0.5) or known
        raise NotFound(f"There is no action {name[:60]!r}. GET /actions lists them.", near)
    params = read_values(action.params, call.body.given())
    return action, await action.target(call.services.context, params)


ROUTES = (
    Route(
        method="GET",
        path="/actions",
        summary="Every host action with its parameters, and who may start it",
        handle=_list,
        answer=ActionList,
        scope=Scope.READ,
    ),
    Route(
        method="POST",
        path="/actions/{name}",
        summary="Start a host action as a durable job; a repeat with the same Idempotency-Key gives the same job",
        handle=_start,
        answer=Job,
        scope=Scope.OPERATE,
        body=ActionRequest,
        status=202,
        location=lambda job: f"/jobs/{job.id}",
        page="job.html",
        errors=(400, 404, 409, 502, 503),
    ),
    Route(
        method="POST",
        path="/actions/{name}/check",
        summary="The pre-flight of a host action alone (a dry run): what it would do, and what speaks against it",
        handle=_check,
        answer=ActionPreview,
        scope=Scope.OPERATE,
        text=_preview_text,
        body=ActionRequest,
        errors=(400, 404, 409, 502, 503),
    ),
)
