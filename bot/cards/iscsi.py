"""Cards of iSCSI: the verdict on a name, the parts of an address, and the discovery mechanisms."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import Block, Message, bold, bullets, code, context, escape, header, message, section
from service.api.client import IscsiAddress, IscsiDiscovery, IscsiName

MOST_SUGGESTIONS = 5
ICONS = {"error": "❌", "warning": "⚠️", "info": "ℹ️"}


def name_card(name: IscsiName, *, asked_by: str) -> Message:
    """Whether the name is valid and why, what its parts mean, and which products judge it differently."""
    verdict = f"✅ {bold('Valid')}" if name.valid else f"❌ {bold('Not a valid iSCSI name')}"
    blocks: list[Block] = [header(name.normalized or name.name), section(verdict, *map(escape, name.explanation))]
    # A service of an earlier version answers with one suggestion.
    if suggestions := name.suggestions or tuple(filter(None, [name.suggestion])):
        blocks.append(section(_did_you_mean(suggestions)))
    if name.problems:
        problems = [f"{ICONS[each.severity]} {escape(each.message)} {code(each.rule)}" for each in name.problems]
        blocks.append(section(*problems))
    for title, verdicts in (("Valid, but refused by", name.refused_by), ("Invalid, but accepted by", name.accepted_by)):
        if verdicts:
            blocks.append(section(bold(title), bullets([f"{bold(each.who)}: {escape(each.why)}" for each in verdicts])))
    blocks.append(context(code(f"/iscsi {name.name}"), f"requested by {asked_by}"))
    why = next((each.message for each in name.problems if each.severity == "error"), "")
    return message(f"{name.name}: {'valid' if name.valid else f'invalid: {why}'}", blocks)


def address_card(address: IscsiAddress, *, asked_by: str) -> Message:
    """The host, port, portal group and name in an address, and what is wrong with it."""
    port = f"{address.port} (assumed)" if address.port_assumed else str(address.port)
    parts = {
        "host": address.host,
        "port": port if address.port else None,
        "portal group": None if address.portal_group is None else str(address.portal_group),
        "name": address.name,
    }
    read = [f"{label} {code(value)}" for label, value in parts.items() if value]
    verdict = "✅" if address.valid else f"❌ {bold('Not a valid iSCSI address')}"
    problems = [f"{ICONS[each.severity]} {escape(each.message)} {code(each.rule)}" for each in address.problems]
    blocks = [header(address.address), section(f"{verdict} {'  ·  '.join(read)}", *problems)]
    if address.suggestions:
        blocks.append(section(_did_you_mean(address.suggestions)))
    blocks.append(context(code(f"/iscsi address {address.address}"), f"requested by {asked_by}"))
    why = next((each.message for each in address.problems if each.severity == "error"), "")
    read_as = f"host {address.host}, port {address.port}, name {address.name or 'none'}"
    return message(f"{address.address}: {read_as if address.valid else f'invalid: {why}'}", blocks)


def discovery_card(discovery: IscsiDiscovery, *, asked_by: str) -> Message:
    """The discovery mechanisms: what each one needs, and which ESX releases support it."""
    blocks: list[Block] = [header("How an iSCSI initiator finds its targets")]
    for mechanism in discovery.mechanisms:
        support = [
            f"{'✅' if each.supported else '❌'} {code(each.release)} {escape(each.detail)}"
            for each in mechanism.support
        ]
        title = f"{bold(mechanism.name)} ({escape(', '.join(mechanism.also_called))})"
        blocks.append(section(title, f"Needs {escape(_joined(mechanism.needs))}.", *support))
    blocks.append(section(escape(discovery.needed_for_a_session)))
    blocks.append(context(escape(discovery.note)))
    blocks.append(context(code("/iscsi discovery"), f"requested by {asked_by}"))
    names = ", ".join(mechanism.name for mechanism in discovery.mechanisms)
    return message(f"How an iSCSI initiator finds its targets: {names}", blocks)


def _did_you_mean(suggestions: Sequence[str]) -> str:
    return f"Did you mean {' or '.join(code(each) for each in suggestions[:MOST_SUGGESTIONS])}?"


def _joined(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
