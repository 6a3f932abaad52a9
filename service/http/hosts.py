"""The hosts of the live inventory."""

from __future__ import annotations

from pydantic import Field

from service.auth import Scope
from service.http._route import Call, Query, Route
from service.models import Value
from service.vsphere.hosts import Host, find_host, list_hosts


class HostsQuery(Query):
    """Which hosts to list."""

    q: str = Field(default="", max_length=255, description="A part of the name, in any case.")


class HostList(Value):
    """Hosts by name."""

    hosts: list[Host]


async def _list(call: Call) -> HostList:
    wanted = call.query.q.lower()
    hosts = await list_hosts(call.services.equipment.vsphere())
    return HostList(hosts=[host for host in hosts if wanted in host.name.lower()])


async def _get(call: Call) -> Host:
    return await find_host(call.services.equipment.vsphere(), call.path("selector"))


def _texts(found: HostList) -> str:
    lines = [
        f"{host.moref:<10} {_state(host):<14} {host.version:<8} {host.vms:>4} VMs  {host.name}\n"
        for host in found.hosts
    ]
    return "".join(lines) or "No hosts.\n"


def _state(host: Host) -> str:
    return "maintenance" if host.in_maintenance_mode else host.connection_state


ROUTES = [
    Route(
        method="GET",
        path="/hosts",
        summary="Hosts by name",
        handle=_list,
        answer=HostList,
        scope=Scope.READ,
        query=HostsQuery,
        text=_texts,
        errors=(400, 502, 503),
    ),
    Route(
        method="GET",
        path="/hosts/{selector}",
        summary="The one host that a name, or name: or moref: and a value, means",
        handle=_get,
        answer=Host,
        scope=Scope.READ,
        errors=(400, 404, 409, 502, 503),
    ),
]
