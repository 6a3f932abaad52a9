"""What the iSCSI lookups return: verdicts, the parts of a name, and problems with their rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NameType = Literal["iqn", "eui", "naa"]
Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One rule that a name, address or alias breaks; only ``error`` makes it invalid."""

    rule: str
    severity: Severity
    message: str
    source: str = ""
    """The document that states the rule, such as ``RFC 3722 section 6.2``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IqnParts:
    """The parts of an ``iqn.`` name: the date, the domain (as people write it), and the string for the node."""

    date: str
    year: int
    month: int
    naming_authority: str
    """The domain as people write it: ``example.com`` for ``com.example``."""
    reversed_authority: str
    string: str | None
    """Everything after the first colon; None when there is no colon."""
    vmware_host: str | None = None
    """The name of the host, when the iSCSI name is one that ESX generated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EuiParts:
    """The parts of an ``eui.`` name: an IEEE EUI-64 in hexadecimal, and the OUI of its organization."""

    identifier: str
    oui: str
    extension: str
    mac: str | None = None
    """The 48-bit address that the EUI-64 is derived from (``fffe`` or ``ffff`` in the middle), or None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NaaParts:
    """The parts of a ``naa.`` name: an NAA identifier in hexadecimal, its type, and the OUI of its organization."""

    identifier: str
    bits: int
    naa: int
    naa_name: str
    oui: str | None
    """None for types without an OUI (locally assigned names)."""
    vendor_specific: str
    extension: str | None = None


Parts = IqnParts | EuiParts | NaaParts


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldVerdict:
    """One product whose verdict on a name differs from that of the RFCs."""

    who: str
    why: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Name:
    """The verdict on one iSCSI name."""

    name: str
    valid: bool
    type: NameType | None
    normalized: str | None
    """The name prepared by RFC 3722, which is used for comparison; None when it cannot be prepared."""
    parts: Parts | None
    problems: tuple[Problem, ...]
    explanation: tuple[str, ...] = ()
    suggestion: str | None = None
    """The valid name that was most likely intended, when there is an obvious mistake; the first of ``suggestions``."""
    suggestions: tuple[str, ...] = ()
    """The same, and the other names when several lines of a tool's output were pasted."""
    refused_by: tuple[FieldVerdict, ...] = ()
    """Products that refuse this name although it is valid."""
    accepted_by: tuple[FieldVerdict, ...] = ()
    """Products that accept this name although it is invalid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """The parts of an iSCSI address; its name is prepared by RFC 3722."""

    address: str
    valid: bool
    host: str | None
    host_kind: Literal["name", "ipv4", "ipv6"] | None
    port: int | None
    port_assumed: bool
    """True when the address has no port and 3260 is assumed."""
    portal_group: int | None
    name: str | None
    problems: tuple[Problem, ...]
    suggestions: tuple[str, ...] = ()
    """The addresses in the pasted output of a tool, as ``host:port,name`` or ``host:port``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alias:
    """The verdict on an iSCSI alias, a label for people."""

    alias: str
    valid: bool
    characters: int
    bytes: int
    problems: tuple[Problem, ...]


def any_error(problems: tuple[Problem, ...]) -> bool:
    """Return True when at least one of the problems is an error."""
    return any(problem.severity == "error" for problem in problems)
