"""Checks of network cards: their type, and MAC addresses that a host accepts.

The ranges are those of VMware's documentation (vSphere Networking, MAC addresses): 00:50:56:00:00:00 to
00:50:56:3f:ff:ff for static addresses, 00:50:56:80 to bf for those that vCenter assigns, 00:0c:29 for generated ones.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from knowledge.finding import Finding
from knowledge.vmx.devices import ETHERNET, hardware_version, is_present
from knowledge.vmx.excerpt import excerpt
from knowledge.vmx.parse import Vmx

_TOOLS_SIGNS = ("toolscripts.", "toolsinstallmanager.", "tools.upgrade.", "guestinfo.detailed.")
_MAC = re.compile(r"[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}")
_STATIC = ("00:50:56:00:00:00", "00:50:56:3f:ff:ff")
_VMWARE = ("00:05:69", "00:0c:29", "00:1c:14", "00:50:56")
_TYPES = ("static", "generated", "vpx")
_RANGE = f"{_STATIC[0]} to {_STATIC[1]}"


class _Card(NamedTuple):
    name: str
    kind: str
    """How it gets its address: `static`, `generated` or `vpx`."""
    key: str
    """The key that has the address."""
    address: str
    """In lower case with colons, or as written when it is no MAC address; empty when there is none."""
    checked: bool
    """Whether the host checks a static address: `checkMACAddress` is not false."""


def _cards(vmx: Vmx) -> Iterator[_Card]:
    for name in ETHERNET:
        if is_present(vmx, name):
            kind = (vmx.get(f"{name}.addressType") or "generated").strip().lower()
            key = f"{name}.address" if kind == "static" else f"{name}.generatedAddress"
            written = (vmx.get(key) or "").strip().lower()
            address = written.replace("-", ":") if _MAC.fullmatch(written) else written
            yield _Card(name, kind, key, address, vmx.flag(f"{name}.checkMACAddress", default=True))


def slow_network_cards(vmx: Vmx) -> Iterator[Finding]:
    """Report vlance and Flexible cards of guests with Tools, which can use vmxnet."""
    if not has_tools(vmx):
        return
    better = "vmxnet3" if (hardware_version(vmx) or 0) >= 7 else "vmxnet"
    is_64_bit = (vmx.get("guestOS") or "").lower().endswith("-64")
    for card in ETHERNET:
        if not is_present(vmx, card):
            continue
        kind = (vmx.get(f"{card}.virtualDev") or "").lower()
        fix = f'{card}.virtualDev = "{better}"'
        if kind == "vlance":
            message = (
                f"{card} is a vlance (10 Mb/s PCnet32), but this VMX has signs of Tools in the guest, with which "
                f"{better} is faster. Configure the guest's network for the new card before the next boot."
            )
            yield Finding("slow-nic", "warning", vmx.where(f"{card}.virtualDev"), message, fix)
        elif not kind and not is_64_bit:
            message = (
                f"{card} has no type, so it is Flexible: a vlance until the guest loads the vmxnet driver. If you set "
                "another type, configure the guest's network for the new card before the next boot."
            )
            yield Finding("flexible-nic", "info", vmx.where(f"{card}.present"), message, fix)


def has_tools(vmx: Vmx) -> bool:
    """Return whether the VMX has signs of VMware Tools in the guest; there is no certain one."""
    return vmx.flag("tools.syncTime") or any(key.startswith(_TOOLS_SIGNS) for key in vmx.entries)


def mac_addresses(vmx: Vmx) -> Iterator[Finding]:
    """Report MAC addresses with which a host does not power the VM on, or which no network can use."""
    taken = {card.address for card in _cards(vmx)}
    for card in _cards(vmx):
        where = vmx.where(card.key)
        if card.kind not in _TYPES:
            message = f'"{excerpt(card.kind)}" is not an address type; it is static, generated or vpx.'
            where = vmx.where(f"{card.name}.addressType")
            yield Finding("mac-type", "warning", where, message, f'{card.name}.addressType = "generated"')
        elif not card.address:
            yield from _missing_address(vmx, card)
        elif not _MAC.fullmatch(card.address):
            message = f'"{excerpt(card.address)}" is not a MAC address: it has six pairs of hexadecimal digits.'
            yield Finding("mac-malformed", "error", where, message, _generated(card))
        elif int(card.address[:2], 16) & 1 or not card.address.strip("0:"):
            message = f"{card.address} is a multicast, broadcast or empty address, which no network card can have."
            yield Finding("mac-malformed", "error", where, message, _generated(card))
        elif card.kind == "static" and card.checked and not _STATIC[0] <= card.address <= _STATIC[1]:
            yield _outside_static_range(card, where, taken)


def _missing_address(vmx: Vmx, card: _Card) -> Iterator[Finding]:
    where = vmx.where(f"{card.name}.addressType")
    if card.kind == "static":
        message = f"{card.name} has a static address type, but {card.key} is missing."
        yield Finding("mac-missing", "error", where, message, _generated(card))
    elif card.kind == "vpx":
        message = (
            f"{card.name} has an address that vCenter assigns (vpx), but {card.key} is missing. A host alone cannot "
            "assign it, and the card fails to start."
        )
        yield Finding("mac-missing", "warning", where, message, _generated(card))


def _outside_static_range(card: _Card, where: str, taken: set[str]) -> Finding:
    """Report an address outside the static range; an address that is proposed instead is added to ``taken``."""
    if not card.address.startswith(_VMWARE):
        message = (
            f"The static address {card.address} is outside {_RANGE}, the range that VMware documents for static "
            "addresses. Hosts accept other vendors' addresses; some older products do not."
        )
        return Finding("mac-range", "info", where, message, f'{card.name}.checkMACAddress = "FALSE"')
    owner = "vCenter assigns" if "00:50:56:80" <= card.address[:11] <= "00:50:56:bf" else "VMware's products use"
    message = (
        f"A static address must be in {_RANGE}. {card.address} is one that {owner}, so the VM does not power on: the "
        "address conflicts with VMware reserved MACs. Check that no other VM has the new address, and change it where "
        "the old one is configured, such as in DHCP."
    )
    inside = f"00:50:56:{int(card.address[9:11], 16) & 0x3F:02x}{card.address[11:]}"
    fix = _generated(card) if inside in taken else f'{card.name}.address = "{inside}"'
    taken.add(inside)
    return Finding("mac-range", "error", where, message, fix)


def same_address_twice(vmx: Vmx) -> Iterator[Finding]:
    """Report two cards of the VM with the same MAC address."""
    first: dict[str, str] = {}
    for card in _cards(vmx):
        if not _MAC.fullmatch(card.address):
            continue
        other = first.setdefault(card.address, card.name)
        if other != card.name:
            message = f"{other} and {card.name} have the same MAC address, {card.address}."
            yield Finding("mac-twice", "error", vmx.where(card.key), message, _generated(card))


def _generated(card: _Card) -> str:
    return f'{card.name}.addressType = "generated"'


RULES = (slow_network_cards, mac_addresses, same_address_twice)
