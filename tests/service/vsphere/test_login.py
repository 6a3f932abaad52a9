"""A refused password is remembered by everybody who shares the login, and logins that were left are ended."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pyVmomi import vim

from service.api.vcenter import VCenter
from service.errors import CredentialsRefused
from service.vsphere.login import REFUSED_SECONDS, Login
from service.vsphere.nfc import complete_lease
from service.vsphere.session import Session, read_all
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for


def vcenter_of(vcsim: Vcsim, password: str = "") -> VCenter:
    password = password or vcsim.password
    return VCenter(url=vcsim.url, user=vcsim.user, password=SecretStr(password), ca_file=Path(vcsim.ca_file))


async def test_ten_leases_at_once_try_a_refused_password_once(vcsim: Vcsim) -> None:
    session = Session(vcenter_of(vcsim, "rotated meanwhile"))
    try:
        outcomes = await asyncio.gather(
            *(complete_lease(session, f"lease-{number}") for number in range(10)), return_exceptions=True
        )
        outcomes += await asyncio.gather(
            *(complete_lease(session, f"lease-{number}") for number in range(10)), return_exceptions=True
        )
    finally:
        await session.close()

    assert {type(each) for each in outcomes} == {CredentialsRefused}
    assert vcsim.count("Login") == 1


async def test_leases_whose_session_ends_after_a_rotation_log_in_at_most_twice(vcsim: Vcsim) -> None:
    session = Session(vcenter_of(vcsim))
    try:
        await session.call(lambda instance: instance.CurrentTime())
        vcsim.fault("Login", "InvalidLogin")
        vcsim.expire_sessions()
        for _ in range(3):
            outcomes = await asyncio.gather(
                *(complete_lease(session, f"lease-{number}") for number in range(10)), return_exceptions=True
            )
            assert {type(each) for each in outcomes} == {CredentialsRefused}
    finally:
        await session.close()

    assert vcsim.count("Login") == 2


def test_refused_password_is_tried_again_after_five_minutes(vcsim: Vcsim) -> None:
    now = 1000.0
    login = Login(vcenter_of(vcsim), clock=lambda: now)
    vcsim.fault("Login", "InvalidLogin", count=1)

    for _ in range(2):
        with pytest.raises(Exception, match=r"InvalidLogin|refused"):
            login.sign_in(60)
    now += REFUSED_SECONDS
    with login.of_its_own(60):
        pass

    assert vcsim.count("Login") == 2
    assert vcsim.sessions()["alive"] == 0


def test_login_that_could_not_be_ended_is_ended_by_the_next_one(vcsim: Vcsim) -> None:
    login = Login(vcenter_of(vcsim))
    vcsim.fault("Logout", "NoPermission")
    for _ in range(3):
        with login.of_its_own(60):
            pass
    assert vcsim.sessions()["alive"] == 3

    vcsim.clear_faults()
    with login.of_its_own(60):
        wait_for(lambda: vcsim.sessions()["alive"] == 1, what="the end of the others")
    assert vcsim.sessions()["alive"] == 0


def test_slow_end_of_old_logins_holds_nobody_up(vcsim: Vcsim, monkeypatch: pytest.MonkeyPatch) -> None:
    login = Login(vcenter_of(vcsim))
    vcsim.fault("Logout", "NoPermission", count=1)
    with login.of_its_own(60):
        pass
    monkeypatch.setattr("service.vsphere.login.LOGOUT_SECONDS", 300)
    vcsim.fault("Logout", hold="call")

    made: list[Any] = []
    signing_in = threading.Thread(target=lambda: made.append(login.sign_in(60)), daemon=True)
    signing_in.start()
    signing_in.join(30)

    assert not signing_in.is_alive()
    made[0]._stub.DropConnections()
    wait_for(lambda: vcsim.faults()[1]["acted"], what="the logout that is slow")
    vcsim.clear_faults()
    wait_for(lambda: vcsim.sessions()["alive"] == 1, what="the end of the slow logout")


async def test_many_reads_over_one_login_ask_for_the_managers_once(vcsim: Vcsim) -> None:
    session = Session(vcenter_of(vcsim))
    try:
        for _ in range(5):
            await session.call(lambda instance: read_all(instance, vim.VirtualMachine, ["name"]))
    finally:
        await session.close()

    assert vcsim.count("RetrievePropertiesEx") == 5
    assert vcsim.count("Fetch") <= 1
