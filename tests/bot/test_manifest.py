"""The manifest of the Slack app is generated from the commands, and the committed file is current."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.commands._base import find_commands
from bot.manifest import MANIFEST_FILE, as_text, main, manifest

ROOT = Path(__file__).parents[2]


def test_committed_manifest_is_current() -> None:
    assert (ROOT / MANIFEST_FILE).read_text("utf-8") == as_text(manifest()), "run `make manifest`"


def test_every_command_is_in_the_manifest_within_slacks_limits() -> None:
    commands = manifest()["features"]["slash_commands"]
    assert [command["command"] for command in commands] == [command.name for command in find_commands()]
    assert all(len(command["command"]) <= 32 for command in commands)
    assert all(0 < len(command["description"]) <= 2_000 for command in commands)
    assert all(0 < len(command["usage_hint"]) <= 1_000 for command in commands)


def test_bot_needs_only_two_scopes() -> None:
    assert manifest()["oauth_config"]["scopes"] == {"bot": ["chat:write", "commands"]}


def test_manifest_for_signed_http_has_the_url_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    url = "https://ops.example.com/slack/events"
    assert main(["--request-url", url]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["settings"]["socket_mode_enabled"] is False
    assert content["settings"]["interactivity"]["request_url"] == url
    assert all(command["url"] == url for command in content["features"]["slash_commands"])


def test_manifest_is_written_to_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / MANIFEST_FILE).parent.mkdir()
    assert main([]) == 0
    assert (tmp_path / MANIFEST_FILE).read_text("utf-8") == as_text(manifest())
