"""The live inventory."""

from __future__ import annotations

from pydantic import Field

from service.auth import Scope
from service.http._route import Call, Query, Route
from service.models import Value
from service.vsphere.inventory import Vm, find_vm, list_vms


class VmsQuery(Query):
    """Which VMs to list."""

    q: str = Field(default="", max_length=255, description="A part of the name, in any case.")


class VmList(Value):
    """VMs by name."""

    vms: list[Vm]


async def _list(call: Call) -> VmList:
    wanted = call.query.q.lower()
    vms = await list_vms(call.services.equipment.vsphere())
    return VmList(vms=[vm for vm in vms if wanted in vm.name.lower()])


async def _get(call: Call) -> Vm:
    return await find_vm(call.services.equipment.vsphere(), call.path("selector"))


def _texts(found: VmList) -> str:
    return "".join(f"{vm.moref:<10} {vm.power_state:<11} {vm.name}\n" for vm in found.vms) or "No VMs.\n"


ROUTES = [
    Route(
        method="GET",
        path="/vms",
        summary="VMs by name",
        handle=_list,
        answer=VmList,
        scope=Scope.READ,
        query=VmsQuery,
        text=_texts,
        errors=(400, 502, 503),
    ),
    Route(
        method="GET",
        path="/vms/{selector}",
        summary="The one VM that a name, or name:, ipaddr:, uuid: or moref: and a value, means",
        handle=_get,
        answer=Vm,
        scope=Scope.READ,
        errors=(400, 404, 409, 502, 503),
    ),
]
