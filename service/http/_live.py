"""Answers the commands in the live blocks of a page with the calls that they stand for; an action is only checked."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from knowledge.procedure_store.live_blocks import LiveCommand
from knowledge.procedure_store.placeholders import with_targets
from service.api.lookups import LiveAnswer
from service.http._edge import described
from service.http._route import AnyRoute, Call, Services, all_routes, read_values

SECONDS = 15
"""How long one command may take."""

MOST_COMMANDS = 20
"""How many commands of a page are answered."""


DRY_RUN = "--dry-run"
"""A command with this option only asks, so that its answer starts nothing."""

MOST_JOBS = 10
"""How many jobs `vmkops jobs` shows in a page, newest first."""


class Asked(NamedTuple):
    """A call: its route, the variables of the path, the query, and the body."""

    route: str
    variables: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    body: Mapping[str, Any] | None = None


async def live_answers(
    call: Call[Any, Any], commands: Sequence[LiveCommand], targets: Mapping[str, str]
) -> tuple[LiveAnswer, ...]:
    """What the commands answer, all asked at the same time, with the rights of the caller of `call`."""
    answered = await asyncio.gather(*(_answer(call, command, targets) for command in commands[:MOST_COMMANDS]))
    rest = (_only_shown(command, targets) for command in commands[MOST_COMMANDS:])
    return (*answered, *rest)


async def _answer(call: Call[Any, Any], command: LiveCommand, targets: Mapping[str, str]) -> LiveAnswer:
    shown = _only_shown(command, targets)
    if missing := [name for name in command.targets if not targets.get(name)]:
        return replace(shown, problem=f"For an answer, name the {' and the '.join(missing)} as well.")
    asked = call_of(shown.command, call.services)
    if asked is None:
        return shown
    route = _routes()[asked.route]
    try:
        async with asyncio.timeout(SECONDS):
            text, answer = await _ask(call, route, asked)
    except TimeoutError:
        return replace(shown, problem=f"There was no answer within {SECONDS} seconds.")
    except Exception as error:
        problem, _ = described(call.request, error)
        return replace(shown, problem=" ".join([problem.detail or problem.title, *problem.suggestions]))
    if asked.body is None or not answer.allowed or DRY_RUN in shlex.split(shown.command):
        return replace(shown, text=text)
    return replace(shown, text=text, action=asked.variables["name"], params=dict(asked.body), class_=answer.class_)


async def _ask(call: Call[Any, Any], route: AnyRoute, asked: Asked) -> tuple[str, Any]:
    services = call.services
    if route.scope is not None:
        services.tokens.require(call.actor, route.scope)
    made: Call[Any, Any] = Call(
        request=call.request,
        services=services,
        actor=call.actor,
        query=read_values(route.query, asked.query),
        body=read_values(route.body, asked.body) if route.body and asked.body is not None else None,
        variables=asked.variables,
    )
    answer = await route.handle(made)
    assert route.text is not None, "a call that live blocks use has a text"
    return route.text(answer), answer


def call_of(command: str, services: Services) -> Asked | None:
    """The call that a command of the shell stands for; None for a command that is only shown."""
    try:
        words = [word for word in shlex.split(command) if word not in (DRY_RUN, "--no-wait")]
    except ValueError:
        return None
    match words[1:] if words[:1] == ["vmkops"] else []:
        case ["vm", name]:
            return Asked("GET /vms/{selector}", {"selector": name})
        case ["host", name]:
            return Asked("GET /hosts/{selector}", {"selector": name})
        case ["datastore", name]:
            return Asked("GET /datastores/{selector}", {"selector": name})
        case ["snapshots"]:
            return Asked("GET /snapshots")
        case ["snapshots", name]:
            return Asked("GET /snapshots", query={"q": name})
        case ["backups", "--vm", name]:
            return Asked("GET /backups", query={"vm": name})
        case ["backups", "--stale"]:
            return Asked("GET /backups/freshness")
        case ["backups", name] if not name.startswith("-"):
            return Asked("GET /backups/{id}", {"id": name})
        case ["jobs"]:
            return Asked("GET /jobs", query={"limit": str(MOST_JOBS)})
        case ["vmkerr", query]:
            return Asked("GET /vmkerr/{query}", {"query": query})
        case ["vmkerr", query, "--release", release]:
            return Asked("GET /vmkerr/{query}", {"query": query}, {"release": release})
        case ["backup", name]:
            return _check("backup", [name], services)
        case ["action", name, *rest]:
            return _check(name, rest, services)
    return None


def _check(name: str, words: Sequence[str], services: Services) -> Asked | None:
    action = services.actions.get(name)
    first = next(iter(action.params.model_fields), None) if action else None
    params = {key: value for key, equals, value in (word.partition("=") for word in words) if equals}
    if words and "=" not in words[0] and first:
        params[first] = words[0]
    return Asked("POST /actions/{name}/check", {"name": name}, body=params)


def _only_shown(command: LiveCommand, targets: Mapping[str, str]) -> LiveAnswer:
    return LiveAnswer(line=command.line, command=with_targets(command.text, targets), text="", problem="")


@cache
def _routes() -> Mapping[str, AnyRoute]:
    return {f"{route.method} {route.path}": route for route in all_routes()}
