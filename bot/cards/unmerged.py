"""The card of the VMs whose disks need to be merged, and of old snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.blocks import Message, bold, code, context, escape, header, message, section
from bot.cards.inventory import reference, snapshot_line
from service.api.units import amount, count

MAX_VMS = 15
MAX_SNAPSHOTS = 10
MAX_FILES = 3


def unmerged_card(found: Mapping[str, Any]) -> Message:
    """The answer of the service to what needs consolidation; nothing was changed.

    Reads `unmerged`, and of each of those `vm` (its name), `vm_moref`, `vcenter`, `consolidation_needed`, `deltas`
    (names of files), `size` (bytes or None) and `trouble` (may be empty); and `snapshots`, as `snapshots_card` does.
    """
    vms, old, several = found["unmerged"], found["snapshots"], len(found.get("inventory", ())) > 1
    if not vms and not old:
        text = "No VM needs consolidation, and no snapshot is old."
        return message(text, [section(f"✅ {text}")])
    hidden = [
        f"…and {count(len(vms) - MAX_VMS, 'more VM')}" if len(vms) > MAX_VMS else "",
        f"…and {count(len(old) - MAX_SNAPSHOTS, 'newer snapshot')}" if len(old) > MAX_SNAPSHOTS else "",
    ]
    merge = code(f"/action consolidate {_vm_reference(vms[0], several=several)} dry_run=true") if vms else ""
    hint = f"To check whether you can merge the disks of the first one, type {merge}" if merge else ""
    lines = [snapshot_line(each, several=several) for each in old[:MAX_SNAPSHOTS]]
    return message(
        f"{count(len(vms), 'VM')} to consolidate, {count(len(old), 'old snapshot')}",
        [
            header("To consolidate"),
            *(section(*_lines(vm, several=several)) for vm in vms[:MAX_VMS]),
            *([section(bold("Old snapshots"), *lines)] if lines else []),
            context(*hidden, hint),
        ],
    )


def _vm_reference(vm: Mapping[str, Any], *, several: bool) -> str:
    return reference({"vcenter": vm["vcenter"], "moref": f"moref:{vm['vm_moref']}"}, several=several)


def _lines(vm: Mapping[str, Any], *, several: bool) -> list[str]:
    why = "⚠️ needs consolidation" if vm["consolidation_needed"] else "⚠️ runs on deltas of no snapshot"
    size = amount(vm["size"]) if vm["size"] is not None else ""
    first = "  ·  ".join(
        filter(
            None,
            [
                bold(f"{vm['vcenter']}/{vm['vm']}" if several else vm["vm"]),
                why,
                size,
                code(_vm_reference(vm, several=several)),
            ],
        )
    )
    files = [code(file) for file in vm["deltas"][:MAX_FILES]]
    more = [f"…and {count(len(vm['deltas']) - MAX_FILES, 'more file')}"] if len(vm["deltas"]) > MAX_FILES else []
    return [first, *files, *more, *([escape(vm["trouble"])] if vm["trouble"] else [])]
