"""The help of one action: everything that a person needs to type it, without a service."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from service.actions import all_actions
from service.api.previews import class_words
from tests.vmkops.terminal import run_forked
from vmkops.commands._action_help import _known_here, example, print_help


@pytest.mark.parametrize("words", ["action restore --help", "actions restore", "help action restore"])
def test_help_of_an_action_needs_no_service(tmp_path: Path, words: str) -> None:
    done = run_forked(tmp_path, *words.split(), VMKOPS_SERVICE_URL="http://127.0.0.1:1")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: vmkops action restore BACKUP [parameter=value ...] [options]\n")
    assert (
        "class safe: it adds something or can be undone, and starts at once. With onto=..., vmkops asks" in done.stdout
    )
    assert "  connect_networks  (true or false, default true) Whether the network cards" in done.stdout
    assert "  identity          (one of: keep, new) Whether the new VM keeps the UUIDs and MAC" in done.stdout
    assert "example:\n  vmkops action restore newest:web-01 --dry-run\n" in done.stdout


@pytest.mark.parametrize("name", sorted(all_actions()))
def test_help_has_the_summary_the_class_and_every_parameter(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    action = all_actions()[name]

    assert print_help(name) == 0

    shown = " ".join(capsys.readouterr().out.split())
    assert action.summary in shown
    assert (action.class_depends or class_words(action.action_class)) in shown
    for parameter, field in action.params.model_fields.items():
        assert f" {parameter} {'(required' if field.is_required() else ''}" in shown
        assert field.description
        assert field.description[0].isupper()
        assert field.description.endswith(".")
        assert "sets it" not in field.description
        assert " ".join(field.description.split()) in shown


@pytest.mark.parametrize("name", sorted(all_actions()))
def test_example_has_parameters_that_the_action_takes(name: str) -> None:
    action, info = all_actions()[name], _known_here(name)
    assert info is not None
    program, command, named, *words = shlex.split(example(info))
    assert (program, command, named) == ("vmkops", "action", name)

    target = [] if not words or "=" in words[0] else [f"{next(iter(action.params.model_fields))}={words.pop(0)}"]
    given = dict(word.split("=", 1) for word in (*target, *words))

    action.params.model_validate(given)
    assert {key for key, field in action.params.model_fields.items() if field.is_required()} <= set(given)


def test_fleet_has_the_class_of_what_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_help("fleet") == 0

    shown = " ".join(capsys.readouterr().out.split())
    assert "class depends: a fleet has the class of the action that it runs on each VM" in shown
    assert "destructive: something is gone for good" not in shown
