"""The lists of the service: the columns and the filters of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.api.words import vsphere_words
from vmkops.commands._lists import NAME, SINCE, VCENTER, Filter, Listing
from vmkops.commands._options import hours, percent

POWER = {"poweredOn": "on", "poweredOff": "off"}
STATES_OF_JOBS = ("queued", "running", "succeeded", "partial", "failed", "cancelled")
STATES_OF_BACKUPS = ("verified", "unverified", "damaged", "broken")

Thing = Mapping[str, Any]


def _of(key: str) -> Any:
    return lambda each: str(each[key]) if each.get(key) not in (None, "") else ""


def _size(value: int | None) -> str:
    from service.api.units import amount

    return "" if value is None else amount(value)


def _age(seconds: int | None) -> str:
    from service.api.units import duration

    if seconds is None:
        return ""
    return f"{seconds // 86_400} d {seconds % 86_400 // 3600} h" if seconds >= 86_400 else duration(seconds)


def _when(text: str | None) -> str:
    """A time on the clock of this machine."""
    from service.api.units import when

    return when(text, None)


def _snapshots(vm: Thing) -> str:
    from service.api.words import counted

    notes = [counted(len(vm["snapshots"]), "snapshot")] if vm["snapshots"] else []
    notes += ["needs consolidation"] if vm["consolidation_needed"] else []
    notes += ["template"] if vm["template"] else []
    return ", ".join(notes)


def _job_state(job: Thing) -> str:
    percent = (job.get("progress") or {}).get("percent")
    return f"{job['state']} {percent:.0f} %" if job["state"] == "running" and percent is not None else str(job["state"])


def _what(schedule: Thing) -> str:
    from service.api.schedules import what_words

    return what_words(schedule["action"], schedule["params"])


def _how(schedule: Thing) -> str:
    from service.api.schedules import how_words

    return how_words(schedule["action"], schedule["params"])


def _last_of(schedule: Thing) -> str:
    if schedule["paused"]:
        return f"paused: {schedule['paused']}"
    if schedule["last_problem"]:
        return f"made no job: {schedule['last_problem']['detail']}"
    return f"job {schedule['last_job']}" if schedule["last_job"] else ""


def _free(datastore: Thing) -> str:
    percent = f"{100 * datastore['free'] // datastore['capacity']} %" if datastore["capacity"] else "?"
    return f"{percent} ({_size(datastore['free'])})"


VMS = Listing(
    name="vms",
    none="No VMs.",
    columns={
        "name": _of("name"),
        "vcenter": _of("vcenter"),
        "power": lambda vm: POWER.get(vm["power_state"], vm["power_state"]),
        "address": _of("ip_address"),
        "id": _of("moref"),
        "notes": _snapshots,
    },
    filters=(
        NAME,
        VCENTER,
        Filter("--power", "power", "only those in this power state", choices=("on", "off", "suspended")),
        Filter("--host", "host", "only those on the host with this name", "NAME"),
        Filter("--needs", "needs", "only those whose disks need to be merged", choices=("consolidation",)),
    ),
)
HOSTS = Listing(
    name="hosts",
    columns={
        "name": _of("name"),
        "vcenter": _of("vcenter"),
        "state": lambda host: "maintenance" if host["in_maintenance_mode"] else vsphere_words(host["connection_state"]),
        "version": _of("version"),
        "vms": lambda host: str(host["vms"]),
        "id": _of("moref"),
    },
    filters=(
        NAME,
        VCENTER,
        Filter(
            "--state",
            "state",
            "only those in this state",
            choices=("connected", "disconnected", "notResponding", "maintenance"),
        ),
    ),
)
DATASTORES = Listing(
    name="datastores",
    columns={
        "name": _of("name"),
        "vcenter": _of("vcenter"),
        "free": _free,
        "size": lambda each: _size(each["capacity"]),
        "type": _of("type"),
        "vms": lambda each: str(each["vms"]),
        "id": _of("moref"),
        "notes": lambda each: "" if each["accessible"] else "not accessible",
    },
    filters=(
        NAME,
        VCENTER,
        Filter("--free-below", "free_below", "only those with less free, in percent", "PERCENT", type=percent),
    ),
)
SNAPSHOTS = Listing(
    name="snapshots",
    columns={
        "id": lambda each: each["moref"],
        "age": lambda each: _age(each["age_seconds"]),
        "size": lambda each: _size(each["size"]),
        "made by": lambda each: (
            "vmkops, kept" if each.get("kept") else "vmkops" if each["ours"] else each["foreign_product"]
        ),
        "vm": _of("vm"),
        "vcenter": _of("vcenter"),
        "name": _of("name"),
    },
    filters=(
        VCENTER,
        Filter(
            "--needs",
            "needs",
            "also the VMs whose disks need to be merged, with delta disks that belong to no snapshot",
            choices=("consolidation",),
        ),
        Filter(
            "--older-than",
            "older_than_hours",
            "only snapshots of at least so many hours (72 with --needs)",
            "HOURS",
            type=hours,
        ),
    ),
)
JOBS = Listing(
    name="jobs",
    columns={
        "id": _of("id"),
        "state": _job_state,
        "action": _of("action"),
        "target": _of("target"),
        "asked": lambda job: _when(job["created_at"]),
        "by": lambda job: str(job["requested_by"]).removeprefix("token:"),
    },
    filters=(
        Filter("--state", "state", "only those in this state", choices=STATES_OF_JOBS, many=True),
        Filter("--action", "action", "only those of this action, such as backup", "NAME"),
        NAME._replace(help="only those with these words in the name of the target"),
        VCENTER._replace(help="only those on the vCenter with this name"),
        SINCE._replace(help="only those asked for in this time, such as 90m, 24h or 7d"),
    ),
)
BACKUPS = Listing(
    name="backups",
    none="No backups are kept here. Make one with: vmkops backup VM",
    columns={
        "id": _of("id"),
        "state": _of("state"),
        "made": lambda kept: _when(kept["created_at"]),
        "size": lambda kept: _size(kept["size"]),
        "vm": lambda kept: str(kept["vm"]["name"]),
        "vcenter": lambda kept: str(kept["vm"]["vcenter"]),
        "copies": lambda kept: ", ".join(copy["target"] for copy in kept.get("copies", ())),
        "files": lambda kept: ", ".join(kept.get("paths", ())) or "all" if kept.get("type") == "file" else "",
    },
    filters=(
        VCENTER,
        Filter("--state", "state", "only those in this state", choices=STATES_OF_BACKUPS, many=True),
        SINCE._replace(help="only those made in this time, such as 24h or 7d"),
    ),
)
MOUNTS = Listing(
    name="mounts",
    none="Nothing is mounted.",
    columns={
        "name": _of("name"),
        "vm": _of("vm"),
        "type": _of("type"),
        "size": lambda mount: _size(mount["size"]),
        "until": lambda mount: _when(mount["until"]),
        "job": _of("job"),
        "folder": _of("folder"),
        "notes": _of("trouble"),
    },
    filters=(Filter("--vm", "vm", "only those of VMs with this name", "NAME"),),
)
SCHEDULES = Listing(
    name="schedules",
    columns={
        "name": _of("name"),
        "cron": _of("cron"),
        "zone": _of("timezone"),
        "what": _what,
        "how": _how,
        "next": lambda each: _when(each["next_at"]),
        "last": _last_of,
    },
    filters=(
        NAME._replace(help="only those with these words in the name or in a parameter"),
        Filter("--action", "action", "only those that start this action, such as backup", "NAME"),
    ),
)
PROCEDURES = Listing(
    name="procedures",
    key="results",
    columns={"name": _of("slug"), "title": _of("title")},
    filters=(NAME._replace(help="only those that these words find, best first"),),
)
VCENTERS = Listing(
    name="vcenters",
    none="No vCenters. The settings name none: see vmkops help vcenter.",
    columns={
        "name": _of("name"),
        "address": _of("address"),
        "state": lambda each: "connected" if each["connected"] else "not connected",
        "product": _of("product"),
        "last answer": lambda each: f"{_age(each['age_seconds'])} ago" if each["age_seconds"] is not None else "",
        "notes": _of("trouble"),
    },
)
