"""The datastores of the live inventory."""

from __future__ import annotations

from pydantic import Field

from service.auth import Scope
from service.http._route import Call, Query, Route
from service.models import Value
from service.vsphere.datastores import Datastore, list_datastores


class DatastoresQuery(Query):
    """Which datastores to list."""

    q: str = Field(default="", max_length=255, description="A part of the name, in any case.")


class DatastoreList(Value):
    """Datastores by name."""

    datastores: list[Datastore]


async def _list(call: Call) -> DatastoreList:
    wanted = call.query.q.lower()
    datastores = await list_datastores(call.services.equipment.vsphere())
    return DatastoreList(datastores=[each for each in datastores if wanted in each.name.lower()])


def _texts(found: DatastoreList) -> str:
    lines = []
    for each in found.datastores:
        percent = f"{100 * each.free // each.capacity} %" if each.capacity else "?"
        reach = "" if each.accessible else "  not accessible"
        free = f"{each.free >> 30} of {each.capacity >> 30} GiB free"
        lines.append(f"{each.moref:<14} {percent:>5}  {free:<26} {each.type:<6} {each.name}{reach}\n")
    return "".join(lines) or "No datastores.\n"


ROUTES = [
    Route(
        method="GET",
        path="/datastores",
        summary="Datastores by name, and how full they are",
        handle=_list,
        answer=DatastoreList,
        scope=Scope.READ,
        query=DatastoresQuery,
        text=_texts,
        errors=(400, 502, 503),
    ),
]
