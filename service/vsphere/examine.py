"""Examines one vCenter or stand-alone host as `vmkops doctor --vcenter` does; changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from knowledge.vsphere_roles import LOOK, TIERS, of_tier
from service.api.words import counted
from service.errors import VmkopsError
from service.vsphere.reach import Finding, Mark, check_server
from service.vsphere.session import Instance, Session, read_all

SKEW_SECONDS = 60
"""How far a clock may be off: certificates, sign-ins and the times of backups depend on it."""
OLDEST_API = (6, 5)
MOST = 500
"""The most objects of a type whose privileges are looked at."""
NAMED = 3
"""Objects that are named where a privilege is missing; the others are counted."""
AT_ONCE = 16
"""Hosts that are connected to at a time."""
FREE = "esxBasic"
"""The edition key of the free ESXi licence, whose API only reads."""
TYPES = {
    "VirtualMachine": "VM",
    "HostSystem": "host",
    "Datastore": "datastore",
    "ResourcePool": "pool",
    "Folder": "folder",
    "Network": "network",
}


class _Host(NamedTuple):
    name: str
    port: int
    thumbprint: str
    state: str


class _Facts(NamedTuple):
    """What one sign-in reads."""

    product: str
    api_version: str
    ahead: float
    """Seconds by which the clock of vCenter is ahead of this machine's."""
    licences: list[tuple[str, str]] | None
    """Edition key and name of each; None when the account may not read them."""
    drs: list[tuple[str, str]]
    """The name of each cluster, and its automation, which is empty where DRS is off."""
    hosts: list[_Host]
    missing: dict[str, list[str]]
    """What is missing, in words, by tier."""


async def examine(session: Session) -> list[Finding]:
    """Every finding about a vCenter, its hosts and the rights of its account; an outage is a finding too."""
    vcenter = session.vcenter
    found = await check_server(vcenter.name, vcenter.host, vcenter.port, session.ssl_context())
    try:
        facts = await session.call(_facts)
    except VmkopsError as error:
        return [*found, Finding(subject=vcenter.name, check="sign-in", mark="failed", text=str(error))]
    found.append(Finding(subject=vcenter.name, check="sign-in", mark="ok", text=f"Signed in as {vcenter.user}."))
    found += list(_about(vcenter.name, facts))
    limit = asyncio.Semaphore(AT_ONCE)
    for few in await asyncio.gather(*(_check_host(host, limit) for host in facts.hosts)):
        found += few
    return [*found, *_rights(vcenter.name, facts.missing)]


async def _check_host(host: _Host, limit: asyncio.Semaphore) -> list[Finding]:
    if host.state != "connected":
        text = f"It is {host.state} in vCenter, so its VMs cannot be backed up. Reconnect it."
        return [Finding(subject=host.name, check="connection", mark="warning", text=text)]
    async with limit:
        return await check_server(host.name, host.name, host.port, None, host.thumbprint, is_host=True)


def _about(name: str, facts: _Facts) -> Iterable[Finding]:
    version = tuple(int(each) for each in facts.api_version.split(".")[:2] if each.isdigit())
    old = version < OLDEST_API
    yield Finding(
        subject=name,
        check="version",
        mark="warning" if old else "ok",
        text=f"{facts.product}, API {facts.api_version}."
        + (" VMware no longer supports it, and vmkops is not tried with it." if old else ""),
    )
    off = abs(facts.ahead) > SKEW_SECONDS
    behind = "ahead of" if facts.ahead > 0 else "behind"
    text = f"Its clock is {counted(int(abs(facts.ahead)), 'second')} {behind} this machine's. Set up NTP on both."
    yield Finding(
        subject=name,
        check="clock",
        mark="warning" if off else "ok",
        text=text if off else "Its clock agrees with this machine's.",
    )
    yield judge_licences(name, facts.licences)
    for cluster, automation in facts.drs:
        words = f"DRS is {automation}." if automation else "DRS is off: use `evacuate=true` to empty a host."
        yield Finding(subject=cluster, check="drs", mark="ok", text=words)


def judge_licences(name: str, licences: list[tuple[str, str]] | None) -> Finding:
    """The finding about licences, each its edition key and name; None when the account may not read them."""
    mark: Mark = "ok"
    if licences is None:
        text = "The account may not read the licences (Global.Licenses)."
    elif free := next((shown for key, shown in licences if key == FREE), ""):
        mark = "failed"
        text = f"{free} is the free ESXi: its API only reads, so no backup and no action works. Assign a paid licence."
    else:
        text = ", ".join(sorted({shown for _, shown in licences})) or "No licence is assigned."
    return Finding(subject=name, check="licence", mark=mark, text=text)


def _rights(name: str, missing: dict[str, list[str]]) -> Iterable[Finding]:
    for tier in TIERS:
        lacking = missing[tier]
        mark: Mark = "ok" if not lacking else "failed" if tier == LOOK else "warning"
        text = f"Missing: {'; '.join(lacking)}. `vmkops vcenter role {tier}` prints the role." if lacking else ""
        yield Finding(subject=name, check=f"tier {tier}", mark=mark, text=text or "The account has every privilege.")


def _facts(instance: Instance) -> _Facts:
    content = instance.content
    ahead = (instance.CurrentTime() - datetime.now(UTC)).total_seconds()
    hosts = ["name", "runtime.connectionState", "summary.config.port", "summary.config.sslThumbprint"]
    return _Facts(
        product=content.about.fullName or "",
        api_version=content.about.apiVersion or "",
        ahead=ahead,
        licences=_licences(content),
        drs=[
            (values.get("name", ""), _automation(values.get("configurationEx")))
            for _, values in read_all(instance, vim.ClusterComputeResource, ["name", "configurationEx"])
        ],
        hosts=[
            _Host(
                values.get("name", ""),
                int(values.get("summary.config.port") or 443),
                values.get("summary.config.sslThumbprint") or "",
                str(values.get("runtime.connectionState", "")),
            )
            for _, values in read_all(instance, vim.HostSystem, hosts)
        ],
        missing=_missing(instance),
    )


def _automation(config: Any) -> str:
    drs = getattr(config, "drsConfig", None)
    return str(drs.defaultVmBehavior or "fullyAutomated") if drs is not None and drs.enabled else ""


def _licences(content: Any) -> list[tuple[str, str]] | None:
    with contextlib.suppress(vim.fault.NoPermission, vmodl.fault.ManagedObjectNotFound, AttributeError):
        return [(each.editionKey or "", each.name or "") for each in content.licenseManager.licenses or []]
    return None


def _missing(instance: Instance) -> dict[str, list[str]]:
    """The privileges that the account lacks, by tier, each with the objects in words."""
    objects = {kind: _objects(instance, kind) for kind in TYPES}
    lacking: dict[tuple[str, str], list[str]] = {}
    ids = {each.id for tier in TIERS for each in of_tier(tier)}
    manager, key = instance.content.authorizationManager, instance.content.sessionManager.currentSession.key
    for kind, found in objects.items():
        wanted = sorted(ids & {each.id for tier in TIERS for each in of_tier(tier) if each.object in (kind, "any")})
        if not found or not wanted:
            continue
        names = {managed._moId: name for managed, name in found}
        answer = manager.HasPrivilegeOnEntities([managed for managed, _ in found], key, wanted)
        for each in answer or []:
            for privilege in each.privAvailability:
                if not privilege.isGranted:
                    lacking.setdefault((privilege.privId, kind), []).append(names[each.entity._moId])
    return {tier: [_in_words(key, lacking[key]) for key in _keys(tier) if key in lacking] for tier in TIERS}


def _keys(tier: str) -> list[tuple[str, str]]:
    return [(each.id, kind) for each in of_tier(tier) for kind in TYPES if each.object in (kind, "any")]


def _objects(instance: Instance, kind: str) -> list[tuple[Any, str]]:
    found = [(managed, str(values.get("name", ""))) for managed, values in _named(instance, kind)]
    return sorted(found, key=lambda pair: pair[1])[:MOST]


def _named(instance: Instance, kind: str) -> list[tuple[Any, dict[str, Any]]]:
    names = ["name", "childType"] if kind == "Folder" else ["name"]
    found = read_all(instance, getattr(vim, kind), names)
    return [each for each in found if kind != "Folder" or "VirtualMachine" in each[1].get("childType", [])]


def _in_words(key: tuple[str, str], names: list[str]) -> str:
    privilege, kind = key
    shown = ", ".join(names[:NAMED])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{privilege} on the {TYPES[kind] + ('s' if len(names) > 1 else '')} {shown}{more}"
