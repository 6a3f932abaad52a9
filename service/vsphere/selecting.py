"""The VMs that a selection means now, from the live inventory, and from the folders and tags that it asks about."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from service.errors import VmkopsError
from service.vsphere.datastores import DATASTORES
from service.vsphere.hosts import HOSTS
from service.vsphere.inventory import VMS, Vm
from service.vsphere.selection import Key, Path, Places, Term, asks_about, choose, near, needs, read_selection
from service.vsphere.tags import Tags
from service.vsphere.vcenters import Link, VCenters

NAMED = 10
"""How many VMs a sentence names."""


class Selected(NamedTuple):
    """The VMs of a selection, by name; its terms that fit no VM; and sentences about each vCenter that is unknown."""

    vms: list[Vm]
    unmatched: list[str]
    unread: list[str]
    """Also a sentence about the VMs that a term may exclude, because its folder, host or datastore is unknown."""
    near: list[str]
    """When there are no VMs: terms like those of the selection that fit some VM."""


async def select(vcenters: VCenters, selection: str) -> Selected:
    """The VMs that a selection means now.

    A vCenter of which something that the selection asks about cannot be read adds no VM, because a term that excludes
    VMs could not be applied. Raises InvalidParams for a selection that cannot be read, NotConfigured without a vCenter,
    and what the vCenter raises when none can be read.
    """
    terms = read_selection(selection)
    links = [link for link in vcenters.links() if asks_about(terms, link.name)]
    read = await asyncio.gather(*(_read(link, terms) for link in links), return_exceptions=True)
    vms: list[Vm] = []
    folders: dict[Key, Path] = {}
    tags: dict[Key, Tags] = {}
    hosts: dict[Key, str] = {}
    datastores: dict[Key, str] = {}
    unread: list[str] = []
    failed: list[VmkopsError] = []
    for link, found in zip(links, read, strict=True):
        if isinstance(found, VmkopsError):
            unread.append(f"vCenter {link.name} could not be read, so none of its VMs are selected: {found}")
            failed.append(found)
        elif isinstance(found, BaseException):
            raise found
        else:
            vms += found.vms
            folders.update(found.places.folders)
            tags.update(found.places.tags)
            hosts.update(found.places.hosts)
            datastores.update(found.places.datastores)
            if doubt := link.inventory.freshness().words():
                unread.append(doubt)
    if failed and len(failed) == len(links):
        raise failed[0]
    places = Places(folders=folders, tags=tags, hosts=hosts, datastores=datastores)
    chosen = await asyncio.to_thread(choose, terms, vms, places)
    if chosen.unknown:
        unread.append(_left_out(chosen.unknown))
    wrong = [term for term in terms if term.text in chosen.unmatched and not term.excluded]
    hints = [] if chosen.vms else await asyncio.to_thread(near, wrong, vms, places)
    return Selected(chosen.vms, chosen.unmatched, unread, hints)


def _left_out(vms: list[Vm]) -> str:
    names = ", ".join(vm.name for vm in vms[:NAMED])
    more = f" and {len(vms) - NAMED} more" if len(vms) > NAMED else ""
    return (
        f"Not selected, because it is unknown whether a term after ! fits: {names}{more}. Let the vCenter account read "
        "the folders, hosts and datastores that these terms ask about."
    )


class _Read(NamedTuple):
    vms: list[Vm]
    places: Places


async def _read(link: Link, terms: list[Term]) -> _Read:
    await link.inventory.ready()
    folders = await link.folders.of_vms() if needs(terms, "folder") else {}
    tags = await link.session.tagging.of_vms() if needs(terms, "tag") else {}
    return _Read(
        link.inventory.all(VMS),
        Places(
            folders={(link.name, moref): path for moref, path in folders.items()},
            tags={(link.name, moref): each for moref, each in tags.items()},
            hosts={(link.name, host.moref): host.name for host in link.inventory.all(HOSTS)},
            datastores={(link.name, each.moref): each.name for each in link.inventory.all(DATASTORES)},
        ),
    )
