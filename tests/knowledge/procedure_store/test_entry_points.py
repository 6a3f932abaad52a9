"""Each command, call, Slack form and action has a page, and each page about one lists it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.commands._base import find_commands
from knowledge.procedure_store.entry_points import (
    entry_points,
    entry_points_of,
    procedures_of_action,
    procedures_of_command,
    procedures_of_slack,
)
from knowledge.procedure_store.folders import BUILT_IN, find_pages, read_page
from service.actions import all_actions
from service.http._route import all_routes
from vmkops.commands import names

PAGES = {found.slug: read_page(found) for found in find_pages(BUILT_IN)}
UNDOCUMENTED = {"GET /", "GET /docs", "GET /openapi.json"}
"""The calls that are documentation themselves."""

ABOUT_NO_COMMAND = {"linux-virtualization-products", "vendor-claims"}
"""Pages with facts only."""


@pytest.mark.parametrize("name", names())
def test_each_command_of_the_shell_has_a_page(name: str) -> None:
    assert procedures_of_command(name)


@pytest.mark.parametrize(
    "route",
    [r for r in all_routes() if f"{r.method} {r.path}" not in UNDOCUMENTED],
    ids=lambda r: f"{r.method} {r.path}",
)
def test_each_call_has_a_page(route) -> None:
    assert route.procedures


@pytest.mark.parametrize("action", all_actions().values(), ids=lambda action: action.name)
def test_each_action_has_a_page_that_gives_its_forms(action) -> None:
    slug = procedures_of_action(action.name)[0]
    [entry] = [each for each in entry_points_of(PAGES[slug]) if each.action == action.name]
    assert entry.calls == (f"POST /actions/{action.name}",)


@pytest.mark.parametrize("entry", [each for each in entry_points() if each.action], ids=lambda entry: entry.what)
def test_forms_of_an_action_name_the_kind_of_thing_that_it_acts_on(entry) -> None:
    kind, field = next(iter(all_actions()[entry.action].params.model_fields.items()))
    if field.is_required() and kind in {"vm", "host", "backup", "snapshot"}:
        assert entry.command.endswith(f" {kind.upper()}")
        assert entry.slack.endswith(f" {kind.upper()}")


@pytest.mark.parametrize("command", find_commands(), ids=lambda command: command.name)
def test_each_slack_command_names_its_most_helpful_pages(command) -> None:
    assert command.procedures == procedures_of_slack(command.name)[:3] != ()


@pytest.mark.parametrize("slug", PAGES)
def test_each_page_lists_what_vmkops_does_about_it(slug: str) -> None:
    assert bool(entry_points_of(PAGES[slug])) != (slug in ABOUT_NO_COMMAND)


@pytest.mark.parametrize("entry", entry_points(), ids=lambda entry: entry.what)
def test_each_entry_exists(entry) -> None:
    calls = {f"{route.method} {route.path}" for route in all_routes()}
    actions = {f"POST /actions/{name}" for name in all_actions()}
    assert set(entry.calls) <= calls | actions
    assert set(entry.procedures) <= PAGES.keys()
    assert entry.action in {"", *all_actions()}
    assert not entry.command or (entry.command.split()[:1] == ["vmkops"] and entry.command.split()[1] in names())
    assert not entry.slack or entry.slack.split()[0] in {command.name for command in find_commands()}
    assert entry.ways


def test_commands_in_the_text_of_a_page_are_listed_with_it() -> None:
    text = "Run `vmkops iscsi validate NAME` and `vmkops action power-off {vm}`; never `vmkops backups`."
    page = replace(PAGES["vendor-claims"], body=text)
    commands = [each.command for each in entry_points_of(page)]
    assert commands == ["vmkops iscsi validate NAME", "vmkops backups", "vmkops action power-off VM"]
