"""Explains a valid iSCSI name in plain words."""

from __future__ import annotations

from knowledge import oui
from knowledge.iscsi.values import EuiParts, IqnParts, NaaParts, Parts

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

IEEE_LOOKUP = "The IEEE lists who owns an OUI: https://standards-oui.ieee.org/oui/oui.txt"


def explain(parts: Parts | None) -> tuple[str, ...]:
    """Return one or more sentences about the parts of a valid name; none when ``parts`` is None."""
    if isinstance(parts, IqnParts):
        return _explain_iqn(parts)
    if isinstance(parts, EuiParts):
        return _explain_eui(parts)
    if isinstance(parts, NaaParts):
        return _explain_naa(parts)
    return ()


def _explain_iqn(parts: IqnParts) -> tuple[str, ...]:
    node = "without a string for the node" if parts.string is None else f"with the string '{parts.string}' for the node"
    month = f"{_MONTHS[parts.month - 1]} {parts.year}"
    lines = [f"Assigned by the owner of {parts.naming_authority} in {month}, {node}."]
    if parts.vmware_host:
        lines.append(
            f"ESX generated this name on the host '{parts.vmware_host}' when iSCSI was first enabled. The name does not"
            " change when the host is renamed."
        )
    return tuple(lines)


def _explain_eui(parts: EuiParts) -> tuple[str, ...]:
    by, lookup = _assigned_by(parts.oui)
    lines = [f"An IEEE EUI-64 identifier, {by}."]
    if parts.mac:
        lines.append(f"It is derived from the 48-bit address {parts.mac}.")
    return (*lines, *lookup)


def _explain_naa(parts: NaaParts) -> tuple[str, ...]:
    first = f"An NAA identifier of {parts.bits} bits, type {parts.naa:x} ({parts.naa_name})"
    if not parts.oui:
        return (f"{first}. It contains no OUI, so it is known only where it was assigned.",)
    by, lookup = _assigned_by(parts.oui)
    return (
        f"{first}, {by}.",
        "ESXi uses names of the same form for LUNs; the name alone does not show whether it is a node or a LUN.",
        *lookup,
    )


def _assigned_by(identifier: str) -> tuple[str, tuple[str, ...]]:
    """Return who assigned a name, and as a tuple where to look up the owner of the OUI if it is not known."""
    owner = oui.owner(identifier)
    if owner:
        return f"assigned by {owner} (OUI {identifier})", ()
    return f"assigned by the owner of OUI {identifier}", (IEEE_LOOKUP,)
