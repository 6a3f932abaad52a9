"""Generates the manifest of the Slack app from the commands: `python -m bot.manifest`.

Reference: https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.commands._base import find_commands

MANIFEST_FILE = Path("deploy/slack-manifest.json")
SCOPES = ["chat:write", "commands"]


def manifest(request_url: str | None = None) -> dict[str, Any]:
    """The manifest: for Socket Mode, or for signed HTTP if `request_url` is the bot's `/slack/events` URL."""
    url = {"url": request_url} if request_url else {}
    commands = [
        {
            "command": command.name,
            "description": command.summary,
            "usage_hint": command.usage.removeprefix(command.name).strip() or "help",
            "should_escape": False,
            **url,
        }
        for command in find_commands()
    ]
    interactivity = {"is_enabled": True, **({"request_url": request_url} if request_url else {})}
    return {
        "display_information": {
            "name": "vmkops",
            "description": "VMware on call: vmkernel codes, backups and jobs",
            "background_color": "#1d3557",
        },
        "features": {
            "bot_user": {"display_name": "vmkops", "always_online": True},
            "slash_commands": commands,
        },
        "oauth_config": {"scopes": {"bot": SCOPES}},
        "settings": {
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }


def as_text(content: dict[str, Any]) -> str:
    """The manifest as JSON text, in the form of the file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the manifest for Socket Mode to MANIFEST_FILE, or print the one for signed HTTP. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bot.manifest", description="Generates the manifest of the Slack app."
    )
    parser.add_argument("--request-url", help="print the manifest for signed HTTP to this https://.../slack/events")
    arguments = parser.parse_args(argv)
    if arguments.request_url:
        sys.stdout.write(as_text(manifest(arguments.request_url)))
    else:
        MANIFEST_FILE.write_text(as_text(manifest()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
