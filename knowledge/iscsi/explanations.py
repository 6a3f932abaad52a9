"""Says in plain words what a valid iSCSI name tells."""

from __future__ import annotations

from knowledge.iscsi.values import EuiParts, IqnParts, NaaParts, Parts

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

IEEE_LOOKUP = "The IEEE lists who owns an OUI: https://standards-oui.ieee.org/oui/oui.txt"


def explain(parts: Parts | None) -> tuple[str, ...]:
    """Return one sentence or more about the parts of a valid name."""
    if isinstance(parts, IqnParts):
        return _explain_iqn(parts)
    if isinstance(parts, EuiParts):
        return _explain_eui(parts)
    if isinstance(parts, NaaParts):
        return _explain_naa(parts)
    return ()


def _explain_iqn(parts: IqnParts) -> tuple[str, ...]:
    called = "without a string of its own" if parts.string is None else f"which calls this node '{parts.string}'"
    lines = [f"Named by whoever owned {parts.naming_authority} in {_MONTHS[parts.month - 1]} {parts.year}, {called}."]
    if parts.vmware_host:
        lines.append(
            f"It is the name that ESX makes for itself, here on the host '{parts.vmware_host}'; it was made"
            " when iSCSI was first switched on and does not follow a renaming."
        )
    return tuple(lines)


def _explain_eui(parts: EuiParts) -> tuple[str, ...]:
    lines = [f"An IEEE EUI-64 identifier, assigned by the owner of OUI {parts.oui}."]
    if parts.mac:
        lines.append(f"It was made from the 48-bit address {parts.mac}.")
    return (*lines, IEEE_LOOKUP)


def _explain_naa(parts: NaaParts) -> tuple[str, ...]:
    first = f"An NAA identifier of {parts.bits} bits, type {parts.naa:x} ({parts.naa_name})"
    if not parts.oui:
        return (f"{first}; no OUI stands in it, so only the place that made it knows it.",)
    return (
        f"{first}, assigned by the owner of OUI {parts.oui}.",
        "ESXi shows LUNs by names of the same form; whether this is a node or a LUN, the name alone cannot tell.",
        IEEE_LOOKUP,
    )
