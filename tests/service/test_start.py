"""A start of the service does not import what only the bot, a page or the OpenAPI document needs."""

from __future__ import annotations

import subprocess
import sys

START = """
import sys
import bot.settings
import service.bootstrap
import vmkops.commands.serve
from service.actions import all_actions
from service.http._route import all_routes
all_actions(), all_routes()
print(*sys.modules)
"""


def test_start_without_slack_imports_nothing_for_slack_pages_or_the_document() -> None:
    done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
    read = set(done.stdout.split())
    assert "dbos" in read
    assert not read & {"slack_bolt", "slack_sdk", "markdown_it", "openapi_pydantic"}
