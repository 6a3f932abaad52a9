"""Cards of the live inventory: a VM, a host, and the snapshots there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.blocks import Block, Message, bold, code, context, escape, header, message, section
from bot.cards.figures import amount, duration

POWER = {"poweredOn": "🟢 on", "poweredOff": "⚪ off", "suspended": "🟡 suspended"}
DAY = 86_400
SHOWN = 25
DEFAULT = "default"
"""The vCenter that is set without a table; its references stand alone."""
IN_A_SECTION = 5


def vm_card(vm: dict[str, Any]) -> Message:
    """One VM: is it on, do its Tools run, where is it reached."""
    tools = "VMware Tools run" if vm["tools_running"] else "VMware Tools do not run"
    facts = [POWER.get(vm["power_state"], vm["power_state"]), tools]
    if vm["template"]:
        facts.append("a template")
    size = amount(vm["allocated"]) if vm["allocated"] is not None else ""
    address = code(vm["ip_address"]) if vm["ip_address"] else "no IP address known"
    return message(
        f"{vm['name']}: {vm['power_state']}",
        [
            header(vm["name"]),
            section("  ·  ".join(facts), "  ·  ".join(filter(None, [address, size]))),
            *([section("⚠️ Its disks need consolidation.")] if vm["consolidation_needed"] else []),
            context(code(_reference(vm)), code(vm["uuid"])),
            *_doubt(vm),
        ],
    )


def host_card(host: dict[str, Any]) -> Message:
    """One host: is it in service, what runs on it, what it is."""
    state = "🔧 maintenance mode" if host["in_maintenance_mode"] else host["connection_state"]
    memory = amount(host["memory"]) if host["memory"] is not None else ""
    cores = f"{host['cpu_cores']} cores" if host["cpu_cores"] else ""
    return message(
        f"{host['name']}: {state}",
        [
            header(host["name"]),
            section(f"{escape(state)}  ·  {host['vms']} VMs", escape(host["product"])),
            context(code(_reference(host)), escape(host["model"]), cores, memory),
            *_doubt(host),
        ],
    )


def snapshots_card(snapshots: Sequence[dict[str, Any]]) -> Message:
    """The snapshots, the oldest first: whose, how old, how large."""
    if not snapshots:
        text = "There are no snapshots."
        return message(text, [section(f"✅ {text}")])
    lines = [_snapshot_line(each) for each in snapshots[:SHOWN]]
    groups = [lines[place : place + IN_A_SECTION] for place in range(0, len(lines), IN_A_SECTION)]
    more = f"…and {len(snapshots) - SHOWN} younger ones" if len(snapshots) > SHOWN else ""
    removal = code(f"/action snapshot-remove {_reference(snapshots[0])} dry_run=true")
    return message(
        f"{len(snapshots)} snapshots; the oldest: {snapshots[0]['name']} of {snapshots[0]['vm']}",
        [header("Snapshots"), *(section(*group) for group in groups), context(more, f"{removal} checks a removal")],
    )


def age(seconds: int) -> str:
    """How old something is: in days from the third day on."""
    return f"{seconds // DAY} days" if seconds >= 2 * DAY else duration(seconds)


def _reference(thing: dict[str, Any]) -> str:
    """Its reference, with its vCenter before it where that is one of several."""
    return str(thing["moref"] if thing["vcenter"] == DEFAULT else f"{thing['vcenter']}/{thing['moref']}")


def _doubt(thing: dict[str, Any]) -> list[Block]:
    """A warning with the age of what is shown, when vCenter does not answer."""
    seen = thing["inventory"]
    if seen["connected"]:
        return []
    when = f"is {age(seen['age_seconds'])} old" if seen["age_seconds"] is not None else "was never read"
    return [section(f"⚠️ What is known of vCenter {escape(seen['vcenter'])} {when}: {escape(seen['trouble'])}")]


def _snapshot_line(each: dict[str, Any]) -> str:
    owner = "vmkops" if each["ours"] else each["foreign_product"]
    size = amount(each["size"]) if each["size"] is not None else ""
    parts = [bold(each["vm"]), escape(each["name"]), age(each["age_seconds"]), size, escape(owner)]
    return "  ·  ".join([*(part for part in parts if part), code(_reference(each))])
