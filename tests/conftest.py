"""The fixtures of the real peers. Each gives a fresh one; what is missing skips the test or, with CI=true, fails it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.peers.fetch import require
from tests.peers.local_slack import LocalSlack
from tests.peers.vcsim import Vcsim

# Some containers forbid compiled files. Each of hundreds of child processes would then compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

hypothesis.settings.register_profile("vmkops", deadline=None)  # a busy machine must not fail a test
hypothesis.settings.load_profile("vmkops")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many workers `-n auto` means: five for two cores, as a test waits for its peers most of its time."""
    return 2 * len(os.sched_getaffinity(0)) + 1


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port of 127.0.0.1 on which nobody listens for as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def vcsim() -> Iterator[Vcsim]:
    """A fresh vCenter: VMware's simulator with four running VMs."""
    require("vcsim")
    with Vcsim() as simulator:
        yield simulator


@pytest.fixture
def vmdk(tmp_path: Path) -> Path:
    """A stream-optimized disk of 8 MiB."""
    require("qemu-img")
    from tests.peers.disks import make_vmdk

    return make_vmdk(tmp_path / "source.vmdk", size_mb=8, seed=1)


@pytest.fixture
def local_slack() -> Iterator[LocalSlack]:
    """A fresh Slack workspace that reaches its app over Socket Mode."""
    require("local-slack")
    with LocalSlack() as slack:
        yield slack


@pytest.fixture
def local_slack_http() -> Iterator[LocalSlack]:
    """A fresh Slack workspace that reaches its app by signed HTTP; set `request_url`."""
    require("local-slack")
    with LocalSlack(mode="http") as slack:
        yield slack
