"""The Slack that the tests share which only ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.slack_room import slack_room
from tests.peers.local_slack import OPERATOR, LocalSlack


@pytest.fixture(scope="package")
def slack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSlack]:
    """A Slack with the bot in it, in which the operator may operate; there is no vCenter."""
    settings = {"VMKOPS_SLACK_OPERATORS": OPERATOR}
    with slack_room(tmp_path_factory.mktemp("service") / "data", settings=settings) as (room, _):
        yield room
