"""Cards of the live inventory: a VM, a host, and the snapshots.

The service returns the inventory as JSON objects; each function lists the keys that it reads. All of them have
`vcenter` and `moref`. A VM and a host also have `inventory`, which says how current they are: `vcenter`, `connected`,
`age_seconds` (None if vCenter was never read) and `trouble` (why vCenter is not connected).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.blocks import Block, Message, bold, code, context, escape, header, message, section
from service.api.units import amount, count, duration
from service.api.words import vsphere_words

POWER = {"poweredOn": "🟢 on", "poweredOff": "⚪ off", "suspended": "🟡 suspended"}
DAY = 86_400
"""Seconds."""
MAX_SNAPSHOTS = 25
SNAPSHOTS_PER_SECTION = 5
DEFAULT = "default"
"""The name of the vCenter that is configured without a table; its references need no prefix."""


def vm_card(vm: Mapping[str, Any]) -> Message:
    """One VM: power state, VMware Tools, IP address, size and identifiers.

    Reads `name`, `uuid`, `power_state`, `tools_running`, `template`, `ip_address` (may be empty), `allocated` (bytes
    or None), `consolidation_needed`, and the common keys; and where it is, if the service tells: `title` (the name with
    its vCenter's), `host_name`, `folder_path` and `datastore_names`.
    """
    tools = "VMware Tools running" if vm["tools_running"] else "VMware Tools not running"
    facts = [POWER.get(vm["power_state"], vsphere_words(vm["power_state"])), tools]
    if vm["template"]:
        facts.append("template")
    size = amount(vm["allocated"]) if vm["allocated"] is not None else ""
    name = vm.get("title") or vm["name"]
    address = code(vm["ip_address"]) if vm["ip_address"] else "no known IP address"
    return message(
        f"{name}: {vsphere_words(vm['power_state'])}",
        [
            header(name),
            section("  ·  ".join(facts), "  ·  ".join(filter(None, [address, size])), *_where(vm)),
            *([section("⚠️ The disks of this VM need consolidation.")] if vm["consolidation_needed"] else []),
            context(code(reference(vm, several=name != vm["name"])), code(vm["uuid"])),
            *_staleness(vm),
        ],
    )


def host_card(host: Mapping[str, Any]) -> Message:
    """One host: state, number of VMs, product and hardware.

    Reads `name`, `connection_state`, `in_maintenance_mode`, `vms` (a number), `product`, `model`, `cpu_cores` and
    `memory` (bytes; both may be None), and the common keys.
    """
    state = "🔧 maintenance mode" if host["in_maintenance_mode"] else vsphere_words(host["connection_state"])
    memory = amount(host["memory"]) if host["memory"] is not None else ""
    cores = count(host["cpu_cores"], "core") if host["cpu_cores"] else ""
    name = host.get("title") or host["name"]
    return message(
        f"{name}: {state}",
        [
            header(name),
            section(f"{escape(state)}  ·  {count(host['vms'], 'VM')}", escape(host["product"])),
            context(code(reference(host, several=name != host["name"])), escape(host["model"]), cores, memory),
            *_staleness(host),
        ],
    )


def snapshots_card(snapshots: Sequence[Mapping[str, Any]], *, several: bool = False) -> Message:
    """The snapshots, oldest first: VM, name, age, size and owner; `several` when there is more than one vCenter.

    Reads of each `name`, `vm` (its name), `age_seconds`, `size` (bytes or None), `ours` (taken by vmkops),
    `foreign_product` (the other product that took it, may be empty), and `vcenter` and `moref`.
    """
    if not snapshots:
        text = "There are no snapshots."
        return message(text, [section(f"✅ {text}")])
    lines = [snapshot_line(each, several=several) for each in snapshots[:MAX_SNAPSHOTS]]
    groups = [lines[place : place + SNAPSHOTS_PER_SECTION] for place in range(0, len(lines), SNAPSHOTS_PER_SECTION)]
    hidden = len(snapshots) - MAX_SNAPSHOTS
    more = f"…and {count(hidden, 'newer snapshot')}" if hidden > 0 else ""
    removal = code(f"/action snapshot-remove {reference(snapshots[0], several=several)} dry_run=true")
    return message(
        f"{count(len(snapshots), 'snapshot')}; the oldest is {snapshots[0]['name']} of {snapshots[0]['vm']}",
        [
            header("Snapshots"),
            *(section(*group) for group in groups),
            context(more, f"To check whether you can remove the oldest one, type {removal}"),
        ],
    )


def age(seconds: int) -> str:
    """An age in whole days from two days on, and otherwise in hours, minutes and seconds."""
    return count(seconds // DAY, "day") if seconds >= 2 * DAY else duration(seconds)


def reference(thing: Mapping[str, Any], *, several: bool = False) -> str:
    """The managed object reference, with the name of its vCenter before it if it is not the only, default one."""
    alone = thing["vcenter"] == DEFAULT and not several
    return str(thing["moref"] if alone else f"{thing['vcenter']}/{thing['moref']}")


def _where(vm: Mapping[str, Any]) -> list[str]:
    """The folder, the host and the datastores of a VM in one line; none when the service does not tell."""
    stores = ", ".join(vm.get("datastore_names", ()))
    places = {"folder": vm.get("folder_path"), "host": vm.get("host_name"), "on": stores}
    line = "  ·  ".join(f"{word} {escape(place)}" for word, place in places.items() if place)
    return [line] if line else []


def _staleness(thing: Mapping[str, Any]) -> list[Block]:
    """A warning with the age of the data when vCenter is not connected; otherwise nothing."""
    freshness = thing["inventory"]
    if freshness["connected"]:
        return []
    seconds = freshness["age_seconds"]
    state = "was never read" if seconds is None else f"is {age(seconds)} old"
    trouble = escape(freshness["trouble"])
    return [section(f"⚠️ The inventory of vCenter {escape(freshness['vcenter'])} {state}: {trouble}")]


def snapshot_line(each: Mapping[str, Any], *, several: bool = False) -> str:
    """One snapshot in a line; reads what `snapshots_card` reads."""
    vm = f"{each['vcenter']}/{each['vm']}" if several else each["vm"]
    owner = "vmkops" if each["ours"] else each["foreign_product"]
    size = amount(each["size"]) if each["size"] is not None else ""
    parts = [bold(vm), escape(each["name"]), age(each["age_seconds"]), size, escape(owner)]
    return "  ·  ".join([*(part for part in parts if part), code(reference(each, several=several))])
