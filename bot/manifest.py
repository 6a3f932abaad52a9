"""Writes the Slack app's manifest from the commands: `python -m bot.manifest`.

https://docs.slack.dev/reference/app-manifest says what each part means.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.commands._base import find_commands

WRITTEN_TO = Path("deploy/slack-manifest.json")
SCOPES = ["chat:write", "commands"]


def manifest(request_url: str | None = None) -> dict[str, Any]:
    """The manifest, for Socket Mode; for signed HTTP when Slack is given the bot's `/slack/events` address."""
    address = {"url": request_url} if request_url else {}
    commands = [
        {
            "command": command.name,
            "description": command.summary,
            "usage_hint": command.usage.removeprefix(command.name).strip() or "help",
            "should_escape": False,
            **address,
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
    """The manifest as it is written to the file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the manifest for Socket Mode to its file, or print the one for signed HTTP."""
    parser = argparse.ArgumentParser(prog="python -m bot.manifest", description="Makes the Slack app's manifest.")
    parser.add_argument("--request-url", help="print the manifest for signed HTTP to this https://.../slack/events")
    arguments = parser.parse_args(argv)
    if arguments.request_url:
        sys.stdout.write(as_text(manifest(arguments.request_url)))
    else:
        WRITTEN_TO.write_text(as_text(manifest()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
