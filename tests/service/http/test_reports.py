"""What a bot gets of a report: the VMs to run the action on again, also when vCenter or the settings changed since."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from service.api.models import Job
from service.api.settings import Settings
from service.http import reports as module
from service.store.database import open_database
from service.store.reports import Report, Reports
from service.vsphere.inventory import Vm
from service.vsphere.selection import Places, choose, read_selection
from service.vsphere.selectors import exact_selector
from service.vsphere.vcenters import Link, VCenters

VMS = [
    Vm(vcenter=vcenter, moref=f"vm-{number}", name=name, power_state="poweredOn")
    for vcenter in ("default", "lab")
    for number, name in enumerate(("web-01", "All", "db", "DB", "with space"))
]


class Inventory:
    """Stands in for the inventory of one vCenter."""

    def __init__(self, vcenter: str) -> None:
        self._vms = [vm for vm in VMS if vm.vcenter == vcenter]

    def find(self, _: object, word: str, value: str) -> list[Vm]:
        return [vm for vm in self._vms if getattr(vm, word).lower() == value.lower()]


class Known(VCenters):
    """The vCenters of the settings, which nobody connects to."""

    def __init__(self, *names: str) -> None:
        self._links = {name: cast(Link, SimpleNamespace(name=name, inventory=Inventory(name))) for name in names}


async def again(store: Reports, vcenters: VCenters, vms: list[Vm]) -> str:
    """The selection of the VMs that failed, in the report that a bot takes."""
    failed = [{"vm": vm.name, "job": "j", "why": "", "selector": exact_selector(vm.vcenter, vm.moref)} for vm in vms]
    job = Job.model_construct(state=SimpleNamespace(final=True), result={"failed": failed}, children=[])

    async def get(_: str) -> Job:
        return job

    services = SimpleNamespace(jobs=SimpleNamespace(get=get), context=SimpleNamespace(reports=store, vcenters=vcenters))
    bot = SimpleNamespace(services=services, known_actor=lambda: SimpleNamespace(delegate=True))
    made = await module._take(bot)  # type: ignore[arg-type]
    return made.reports[0].again


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    engine = open_database(Settings.model_validate({"VMKOPS_DATA_DIR": tmp_path}))
    waiting = Reports(engine)
    await waiting.expect(Report("job1", "#ops", "", ""))
    yield waiting
    engine.dispose()


@pytest.mark.parametrize("names", [("default", "lab"), ("default",), ("lab",)], ids="+".join)
async def test_each_term_means_the_one_vm_that_failed(store: Reports, names: tuple[str, ...]) -> None:
    terms = (await again(store, Known(*names), VMS)).split(",")

    there = [vm for vm in VMS if vm.vcenter in names]
    meant = [choose(read_selection(term), there, Places()).vms for term in terms]
    assert meant == [[vm] if vm in there else [] for vm in VMS]


async def test_plain_names_are_readable(store: Reports) -> None:
    assert await again(store, Known("default"), VMS[:3]) == "web-01,moref:vm-1,moref:vm-2"
