"""Where a new VM goes: the parameters that restore, restore drill and import share, and the checks of a place."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from service.actions._targeted import info, refuse
from service.api.models import Check
from service.api.units import amount
from service.api.vcenter import DEFAULT
from service.errors import InvalidParams, NotFound
from service.jobs.action import Context, Params
from service.vsphere.importing import names_taken
from service.vsphere.placement import NO_HOME, Home, Place, Wanted, choose_place
from service.vsphere.selectors import lock_key
from service.vsphere.vcenters import Link, VCenters

LONGEST_NAME = 80
"""Characters that vCenter accepts for the name of a VM."""
NAME = r"^([^/\\%\x00-\x1f]*[^/\\%.\x00-\x1f])?$"
"""A VM's name that can also be the name of a folder on its datastore; empty where a name is chosen."""


class PlacementParams(Params):
    """Where a new VM goes; whatever is left out is chosen."""

    pool: str = Field(
        default="",
        max_length=260,
        description="The resource pool, cluster or host for the new VM; by default that of the VM that was backed up, "
        "or the first with a datastore.",
    )
    host: str = Field(
        default="",
        max_length=260,
        description="The host, one of the cluster of that pool; by default DRS chooses it, or vmkops takes one that "
        "has the datastore and the networks.",
    )
    datastore: str = Field(
        default="",
        max_length=260,
        description="The datastore, which the host must be able to write to; by default the one with the most free "
        "space, a shared one first.",
    )
    folder: str = Field(
        default="",
        max_length=260,
        description="The VM folder; by default that of the VM that was backed up, or the topmost.",
    )
    vcenter: str = Field(
        default="",
        max_length=63,
        description="The vCenter or host, by its name in the settings; by default that of the VM that was backed up, "
        "or the first.",
    )
    networks: dict[str, str] = Field(
        default_factory=dict,
        max_length=100,
        description="Which network to use for each network of the package (as text: `old=new, old=new`); by default "
        "the one with the same name.",
    )
    connect_networks: bool = Field(
        default=True,
        description="Whether the network cards of the new VM connect at power-on. With false, you can power it on "
        "beside the original.",
    )

    @field_validator("networks", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [each.partition("=") for each in value.split(",") if each.strip()]
        if any(not equals for _, equals, _ in pairs):
            raise ValueError("write it as old=new, old=new")
        return {old.strip(): new.strip() for old, _, new in pairs}

    def wanted(self) -> Wanted:
        """The same, in the form that `choose_place` takes."""
        return Wanted(
            pool=self.pool, host=self.host, datastore=self.datastore, folder=self.folder, networks=self.networks
        )


async def check_place(
    context: Context, params: PlacementParams, name: str, networks: list[str], size: int, home: Home = NO_HOME
) -> tuple[list[Check], dict[str, Any]]:
    """Check whether a VM with these networks and `size` bytes can be made there; also returns the exact place.

    `name` is empty where the job will choose one. The place has the keys `vcenter`, `pool`, `host`, `datastore`,
    `folder` and `networks`, each as a parameter with its selector made exact. Raises NotFound and Ambiguous.
    """
    vcenters = context.vcenters
    known = {link.name for link in vcenters.links()}
    link = vcenters.named(params.vcenter or (home.vcenter if home.vcenter in known else ""))
    session = link.session
    wanted = params.wanted()
    places = {
        name: _inside(vcenters, link, name, getattr(wanted, name)) for name in ("pool", "host", "datastore", "folder")
    }
    mapped = {old: _inside(vcenters, link, "network", new) for old, new in wanted.networks.items()}
    wanted = wanted.model_copy(update={**places, "networks": mapped})
    if unknown := sorted(set(params.networks) - set(networks)):
        raise NotFound(
            f"The package has no network {unknown[0][:80]!r}. Its networks: {', '.join(networks) or 'none'}.", networks
        )
    place = await choose_place(session, wanted, networks, home, size=size)
    checks = _place_checks(place, size, link.name if len(vcenters.names()) > 1 else "")
    if networks and not params.connect_networks:
        checks.append(info("disconnected", "The network cards do not connect at power-on."))
    if name and name in await names_taken(session):
        checks.append(refuse("name-taken", name_taken(name)))
    return checks, {
        "vcenter": link.name,
        "pool": f"moref:{place.pool.moref}",
        # A host that DRS or vmkops chose is chosen again by the job: it may be in maintenance mode by then.
        "host": f"moref:{place.host.moref}" if place.host and params.host else "",
        "datastore": f"moref:{place.datastore.moref}",
        "folder": f"moref:{place.folder.moref}",
        "networks": {old: f"moref:{new.moref}" for old, new in place.networks.items()},
    }


def _wanted_at(vcenters: VCenters, link: Link, wanted: Wanted) -> Wanted:
    """What was asked for, without the name of the vCenter in its selectors; raises InvalidParams for another one."""
    places = {
        name: _inside(vcenters, link, name, getattr(wanted, name)) for name in ("pool", "host", "datastore", "folder")
    }
    networks = {old: _inside(vcenters, link, "network", new) for old, new in wanted.networks.items()}
    return wanted.model_copy(update={**places, "networks": networks})


def _inside(vcenters: VCenters, link: Link, what: str, selector: str) -> str:
    """A selector without the name of its vCenter; raises InvalidParams when that is another one than `link`."""
    named, rest = vcenters.narrow(selector)
    if rest == selector:
        return selector
    if named != [link]:
        other = named[0].name
        raise InvalidParams(
            f"The {what} {selector[:80]} is in the vCenter {other}, but the new VM goes to {link.name}. Set "
            f"vcenter={other}, or choose another {what}."
        )
    return rest


def new_vm_key(vcenter: str, name: str) -> str:
    """The key that a job holds while it makes a VM of this name; `vcenter` is empty where none was chosen yet."""
    return lock_key("new-vm", vcenter or DEFAULT, name)


def name_taken(name: str) -> str:
    """Why a VM cannot get this name."""
    return f"There already is a VM {name!r}, and an existing VM is never overwritten. Choose another name."


def networks_unmapped(place: Place) -> str:
    """Which networks of the package have no counterpart at the place, and what to do."""
    return (
        f"There is no network {', '.join(place.unmapped)} at {place.pool.name}. Set `networks` to the ones to use "
        f"instead; available: {', '.join(place.known_networks) or 'none'}."
    )


def _place_checks(place: Place, size: int, vcenter: str) -> list[Check]:
    """What a place means; `vcenter` is empty when there is only one."""
    on = f" on {place.host.name}," if place.host and place.host.name != place.pool.name else ""
    of = f" of the vCenter {vcenter}" if vcenter else ""
    where = f"In {place.pool.name}{of},{on} on the datastore {place.datastore.name}, in the folder {place.folder.name}."
    checks = [info("place", where)]
    checks += [
        info(
            "network", f"The network {old} is replaced by {new.name}." if old != new.name else f"The network is {old}."
        )
        for old, new in place.networks.items()
    ]
    if place.unmapped:
        checks.append(refuse("network-unmapped", networks_unmapped(place)))
    if place.free < size:
        message = (
            f"{place.datastore.name} has {amount(place.free)} free, but the package alone needs {amount(size)}. "
            "Choose another datastore."
        )
        checks.append(refuse("no-room", message))
    return checks
