"""Tags are read over the REST API of vCenter in few calls, and with a login that is ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.api.vcenter import VCenter
from service.errors import CertificateUntrusted, CredentialsRefused, VSphereRefused, VSphereUnavailable
from service.vsphere.session import Session
from service.vsphere.tags import Tag, fits
from tests.peers.tagging import TagScript
from tests.peers.vcsim import Vcsim
from tests.service.vsphere.test_login import vcenter_of

GOLD, PROD = Tag(category="Backup", name="gold"), Tag(category="Stage", name="prod")


@pytest.fixture
async def session(vcsim: Vcsim) -> AsyncIterator[Session]:
    """A session with a vCenter in which DC0_H0_VM0 is gold and prod, and DC0_H0_VM1 is gold."""
    with TagScript(vcsim) as script:
        backup, stage = script.make("Backup", "gold", "silver"), script.make("Stage", "prod")
        script.attach("DC0_H0_VM0", backup["gold"], stage["prod"])
        script.attach("DC0_H0_VM1", backup["gold"])
    vcsim.reset_calls()
    opened = Session(vcenter_of(vcsim))
    yield opened
    await opened.close()


@pytest.mark.parametrize("place", ["rest", "api"])
async def test_tags_of_all_vms_take_few_calls_and_are_kept_for_a_minute(
    session: Session, vcsim: Vcsim, place: str
) -> None:
    if place == "api":
        vcsim.fault("Session.create", object_type="rest", http_status=404)

    first, *_ = await asyncio.gather(*(session.tagging.of_vms() for _ in range(5)))

    assert first == {vcsim.vm("DC0_H0_VM0")["moref"]: (GOLD, PROD), vcsim.vm("DC0_H0_VM1")["moref"]: (GOLD,)}
    assert vcsim.done("Session.create") == 1
    assert (vcsim.count("Tag.list"), vcsim.count("TagAssociation.list-attached-objects-on-tags")) == (1, 1)
    assert (vcsim.count("Tag.get"), vcsim.count("Category.get")) == (2, 2)
    assert vcsim.rest_sessions() == 0
    assert (await session.tagging.of_vm(vcsim.vm("DC0_H0_VM0")["moref"])) == (GOLD, PROD)
    assert await session.tagging.attach(vcsim.vm("DC0_C0_RP0_VM0")["moref"], [GOLD, PROD]) == []
    vcsim.clear_faults()
    with TagScript(vcsim) as script:
        assert script.of("DC0_C0_RP0_VM0") == ["gold", "prod"]


@pytest.mark.parametrize("wanted", ["gold", "GOLD", "Backup/gold", "backup=gold"])
def test_tag_is_meant_by_its_name_with_or_without_its_category(wanted: str) -> None:
    assert fits(GOLD, wanted)
    assert not fits(PROD, wanted)
    assert not fits(Tag(category="Stage", name="golden"), wanted)


async def test_wrong_password_is_sent_once(vcsim: Vcsim) -> None:
    session = Session(vcenter_of(vcsim))
    try:
        assert not await session.is_host()
        vcsim.change_password("rotated meanwhile")
        outcomes = await asyncio.gather(*(session.tagging.of_vm("vm-1") for _ in range(5)), return_exceptions=True)
    finally:
        await session.close()

    assert {type(each) for each in outcomes} == {CredentialsRefused}
    assert vcsim.count("Session.create") == 1


async def test_certificate_is_checked_as_everywhere(vcsim: Vcsim, tmp_path: Path) -> None:
    session = Session(vcenter_of(vcsim))
    try:
        assert not await session.is_host()
        session.login.vcenter = VCenter(url=vcsim.url, user=vcsim.user, password=SecretStr(vcsim.password))
        with pytest.raises(CertificateUntrusted):
            await session.tagging.of_vm("vm-1")
    finally:
        await session.close()
    assert vcsim.count("Session.create") == 0


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"method": "Session.create", "http_status": 503}, VSphereUnavailable),
        ({"method": "TagAssociation.list-attached-tags", "http_status": 403}, VSphereRefused),
    ],
)
async def test_service_that_refuses_is_an_error_and_its_login_is_ended(
    session: Session, vcsim: Vcsim, rule: dict[str, object], error: type[Exception]
) -> None:
    vcsim.fault(**rule)  # type: ignore[arg-type]

    with pytest.raises(error, match="The REST API of"):
        await session.tagging.of_vm("vm-1")

    tags, problem = await session.tagging.look("vm-1")
    assert (tags, "The REST API of" in problem) == ((), True)
    assert vcsim.rest_sessions() == 0


async def test_stand_alone_host_has_no_tags_and_is_not_asked() -> None:
    with Vcsim(["-esx"]) as host:
        session = Session(vcenter_of(host))
        try:
            assert await session.tagging.of_vms() == {}
            assert await session.tagging.of_vm("1") == ()
            assert await session.tagging.attach("1", [GOLD]) == []
        finally:
            await session.close()
        assert host.count("Session.create") == 0
