"""The host actions: what there is, and starting one as a job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from knowledge.for_people import amount
from knowledge.procedure_store.entry_points import procedures_of_action
from knowledge.spelling import nearest_name
from service.api.models import (
    CLASS_IN_JSON,
    TYPE_AGAIN,
    ActionClass,
    ActionPreview,
    Check,
    Job,
    TypeAgainHint,
    Value,
)
from service.api.previews import findings, verdict
from service.api.redaction import redact_params
from service.errors import Conflict, InvalidParams, NotAllowed, NotFound, TooLarge
from service.http._route import AnyCall, Call, Query, Route, read_values
from service.http._unknown import field_names, unknown_name
from service.http.jobs import about_job
from service.jobs.action import Action, Params, Target
from service.jobs.keys import RequestKey, request_hash
from service.jobs.precedence import REQUESTS
from service.store.audit import Event
from service.store.tokens import Actor, Scope

Name = Annotated[str, Field(max_length=100)]
IDEMPOTENCY_KEY = "Idempotency-Key"
LARGEST_PARAMS = 64 << 10
"""Most bytes of the parameters of an action as JSON: they are stored with the job."""

ReplyTo = Annotated[
    dict[Annotated[str, Field(max_length=20)], Annotated[dict[Name, Name], Field(max_length=10)]],
    Field(max_length=1, description="Only the Slack bot may set it; kept and handed back unread."),
]


class ActionInfo(Value):
    """One host action: its name, how much harm it can do, the JSON Schema of its parameters, its steps, and who may."""

    model_config = CLASS_IN_JSON

    name: str
    summary: str
    class_: ActionClass
    class_depends: str = ""
    """What decides the class, in words, where it has none of its own; `class` is then the worst. Empty otherwise."""
    may_ask: bool
    """Whether some parameters make the class worse, so that only the dry run tells whether it needs a yes."""
    parameters: dict[str, Any]
    steps: list[str]
    scope: str
    needs_approval: bool
    type_again: TypeAgainHint | None
    """What a person types again before the action, and with which parameter that makes it destructive."""
    procedures: tuple[str, ...]
    """The slugs of the procedures about it."""


class ActionList(Value):
    """Every host action."""

    actions: list[ActionInfo]


class ActionRequest(Value):
    """What to do: the parameters of the action, and for the Slack bot alone, where it shows the job.

    The parameters may stand under `params`, or by themselves: `{"vm": "web-01"}`.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    params: dict[str, Any] = Field(default_factory=dict)
    reply_to: ReplyTo | None = None

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
                class_depends=action.class_depends,
                may_ask=action.may_ask,
                parameters=action.params.model_json_schema(),
                steps=list(action.steps),
                scope=Scope.OPERATE.value,
                needs_approval=action.needs_approval,
                type_again=_hint(action),
                procedures=procedures_of_action(action.name),
            )
            for action in call.services.actions.values()
        ]
    )


async def _start(call: Call[Query, ActionRequest]) -> Job:
    with REQUESTS.asked():
        return await _started(call)


async def _started(call: Call[Query, ActionRequest]) -> Job:
    actor, sent = call.known_actor(), call.body
    if sent.reply_to is not None and not actor.delegate:
        raise NotAllowed(
            f"The token {actor.token!r} may not set reply_to. Only the Slack bot may, whose token can act for people."
        )
    key = _key(call, actor)
    if key and (known := await call.services.jobs.of_key(key)):
        return known
    action, _, target = await _target(call)
    if refused := [check.message for check in target.checks if check.severity == "refuse"]:
        raise Conflict(" ".join(refused))
    return await call.services.jobs.submit(
        action,
        target,
        requested_by=actor.name,
        token=actor.token,
        key=key,
        reply_to=sent.reply_to,
    )


def _key(call: Call[Query, ActionRequest], actor: Actor) -> RequestKey | None:
    """The idempotency key of the call, bound to the token and to this request; raises InvalidParams."""
    key = call.request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    if not 1 <= len(key) <= 200:
        raise InvalidParams(f"{IDEMPOTENCY_KEY} must have 1 to 200 characters.")
    # Where to answer is no part of what is asked: the second press of a button comes with another thread.
    body = call.body.model_dump(mode="json", exclude={"reply_to"})
    request = request_hash("POST", f"/actions/{call.path('name')}", actor.person, body)
    return RequestKey(token=actor.token, key=key, request=request)


async def _check(call: Call[Query, ActionRequest]) -> ActionPreview:
    action, params, target = await _target(call)
    checks = [*target.checks, *await action.more_checks(call.services.context, params, target)]
    if busy := await call.services.jobs.why_busy(action, target):
        checks.append(Check(rule="under-way", severity="refuse", message=busy))
    stopped_by = {check.rule for check in checks if check.severity == "refuse"}
    return ActionPreview(
        action=action.name,
        target=target.name,
        vcenter=target.vcenter,
        params=redact_params(target.params),
        steps=list(action.plan_of(target.params)),
        checks=checks,
        allowed=not stopped_by,
        class_=action.class_for(target),
        label=action.label_for(target),
        type_again=_hint(action, target.name_again) if stopped_by == {TYPE_AGAIN} else None,
    )


def _hint(action: Action, name: str = "") -> TypeAgainHint | None:
    again = action.type_again
    return TypeAgainHint(when=again.when, parameter=again.parameter, what=again.what, name=name) if again else None


def _preview_text(preview: ActionPreview) -> str:
    title = f"{preview.action} of {preview.target} ({preview.class_}) {verdict(preview)}"
    checks = [f"{check.severity}: {check.message}" for check in findings(preview)]
    again = [f"confirm: {check.message}" for check in preview.checks if check not in findings(preview)]
    return "\n".join([title, *checks, *again, f"steps: {', '.join(preview.steps)}"]) + "\n"


def read_params(action: Action, given: Mapping[str, Any]) -> Params:
    """The parameters for the action; raises InvalidParams, or TooLarge, as they are stored."""
    if len(json.dumps(given)) > LARGEST_PARAMS:
        raise TooLarge(f"The parameters are larger than the {amount(LARGEST_PARAMS)} that an action takes.")
    return read_values(action.params, given, action.name)


def check_allowed(call: AnyCall, action: Action, params: Params) -> None:
    """Raise NotAllowed for what the settings let nobody ask for."""
    if why := action.forbidden(call.services.settings, params):
        raise NotAllowed(why)


def find_action(actions: Mapping[str, Action], name: str) -> Action:
    """The action with this name; raises NotFound with the one that was probably meant, or with all names."""
    if name in actions:
        return actions[name]
    near = nearest_name(name, actions)
    guess = f" Did you mean {near}?" if near else " The list of actions has their names."
    raise NotFound(f"There is no action {name[:60]!r}.{guess}", [near] if near else sorted(actions))


def _check_fields(action: Action, body: ActionRequest) -> None:
    """Raise InvalidParams for a field of the body that is a misspelt `params` rather than a parameter."""
    fields = field_names(ActionRequest)
    for name, value in (body.model_extra or {}).items():
        if name not in action.params.model_fields and isinstance(value, dict) and nearest_name(name, fields):
            raise unknown_name("field", name, fields)


async def _target(call: Call[Query, ActionRequest]) -> tuple[Action, Params, Target]:
    action = find_action(call.services.actions, call.path("name"))
    _check_fields(action, call.body)
    given = call.body.given()
    try:
        params = read_params(action, given)
    except InvalidParams as error:
        if not action.target_param or action.target_param in given:
            raise
        names = ", ".join(sorted(call.services.context.settings.copy_targets()))
        raise InvalidParams(f"{error} {f'There are: {names}.' if names else 'None is set up.'}") from None
    check_allowed(call, action, params)
    return action, params, await action.target(call.services.context, params)


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
        audit=Event.ACTION_STARTED,
        about=about_job,
        page="job.html",
        errors=(400, 404, 409, 413, 422, 502, 503),
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
