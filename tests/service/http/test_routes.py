"""What a route declares is what its handler takes, and what the OpenAPI document shows."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_args

import pytest

from service.http._openapi import document
from service.http._route import AnyRoute, all_routes
from service.store.audit import Event

ROUTES = {f"{route.method} {route.path}": route for route in all_routes()}


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_handler_takes_the_declared_query_and_body(route: AnyRoute) -> None:
    query, body = get_args(inspect.get_annotations(route.handle, eval_str=True)["call"])

    assert query is route.query
    assert body is (type(None) if route.body is None else route.body)


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"][name]
    return found


def test_components_have_the_names_of_the_api_each_once() -> None:
    names = set(document()["components"]["schemas"])

    assert {"IscsiName", "IscsiProblem", "Problem", "P2vProgress", "Progress", "VmkerrAnswer", "VmxSnippet"} <= names
    assert not [name for name in names if "__" in name or name.endswith(("-Input", "-Output"))]


@pytest.mark.parametrize("name", ["VmkerrAnswer", "IscsiName", "Finding", "P2vChecklist", "LogFinding", "Job"])
def test_values_are_described_as_they_are_declared(name: str) -> None:
    described = schema(name)

    assert described["title"] == name
    assert described["description"]
    assert any(field.get("description") for field in described["properties"].values())


def test_every_field_of_an_answer_is_always_there() -> None:
    for name in ("VmkerrAnswer", "IscsiName", "LogFinding", "P2vRun"):
        assert schema(name)["required"] == list(schema(name)["properties"])


@pytest.mark.parametrize("name", ["P2vChecklist", "DriverMap"])
def test_old_name_of_corrections_is_deprecated(name: str) -> None:
    assert schema(name)["properties"]["mends"]["deprecated"] is True
    assert "deprecated" not in schema(name)["properties"]["corrections"]


NOT_AUDITED = {
    "POST /actions/{name}/check",  # changes nothing
    "POST /procedures/{slug}/runs",  # a run has its own history
    "PATCH /runs/{id}/items/{item}",
    "POST /p2v/runs",
    "PATCH /p2v/runs/{id}/items/{item}",
    "POST /reports/take",  # the bot asks every few seconds
    "POST /reports/{id}/posted",
}


def test_each_call_that_changes_something_is_in_the_audit() -> None:
    changing = {f"{each.method} {each.path}": each for each in all_routes() if each.method != "GET" and each.scope}

    assert {name for name, route in changing.items() if route.audit is None} == NOT_AUDITED


def test_each_event_of_the_audit_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "audit.md").read_text("utf-8")

    assert [event for event in Event if f"| `{event}` |" not in page] == []
