"""The simulated vCenter goes on to answer, and what a test says when it does not."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.peers.built import VCSIM_SOURCE, vcsim_flags
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim

VM = "DC0_H0_VM0"


@pytest.mark.timeout(900)  # the first run compiles
def test_calls_never_wait_for_each_other() -> None:
    go = require("go")
    flags, environment = vcsim_flags()
    done = subprocess.run(
        [str(go), "test", *flags, "."],
        cwd=VCSIM_SOURCE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_simulator_that_does_not_answer_shows_its_stacks() -> None:
    require("vcsim")
    with Vcsim(answer_seconds=2) as vcsim:
        vcsim.lock_vm(VM)
        with pytest.raises(RuntimeError, match=r"does not answer GET /vms(?s:.)*SIGQUIT(?s:.)*AcquireLock"):
            vcsim.vms()


def test_lock_that_is_never_given_back_fails_a_test_that_did_not_notice() -> None:
    require("vcsim")
    gone = pytest.raises(RuntimeError, match=r"does not answer(?s:.)*main\.\(\*simulation\)\.vmReport")
    with gone, Vcsim(answer_seconds=2) as vcsim:
        vcsim.lock_vm(VM)


def test_simulator_that_ends_by_itself_fails_the_test() -> None:
    require("vcsim")
    gone = pytest.raises(RuntimeError, match="the simulator ended with status -9")
    with gone, Vcsim() as vcsim:
        vcsim._process.process.kill()
        vcsim._process.process.wait()
