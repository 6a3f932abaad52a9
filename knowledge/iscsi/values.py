"""What the iSCSI lookups answer with: verdicts, parts of a name, problems and their rules."""

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
    """Where the rule stands, such as ``RFC 3722 section 6.2``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IqnParts:
    """What an ``iqn.`` name says: when, whose domain (the right way round), which node."""

    date: str
    year: int
    month: int
    naming_authority: str
    """The domain as people write it: ``example.com`` for ``com.example``."""
    reversed_authority: str
    string: str | None
    """All that follows the first colon; None when there is no colon."""
    vmware_host: str | None = None
    """The host's own name, when the name is one that ESX makes for itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EuiParts:
    """What an ``eui.`` name says: an IEEE EUI-64 in hexadecimal, and who assigned it."""

    identifier: str
    oui: str
    extension: str
    mac: str | None = None
    """The 48-bit address inside, when the EUI-64 was made from one (``fffe`` or ``ffff`` in the middle)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NaaParts:
    """What a ``naa.`` name says: an NAA identifier in hexadecimal, its kind, and who assigned it."""

    identifier: str
    bits: int
    naa: int
    naa_name: str
    oui: str | None
    """None where the kind holds none (locally assigned names)."""
    vendor_specific: str
    extension: str | None = None


Parts = IqnParts | EuiParts | NaaParts


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldVerdict:
    """One product that judges a name otherwise than the RFCs do."""

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
    """The name prepared by RFC 3722, the form that is compared; None when it cannot be prepared."""
    parts: Parts | None
    problems: tuple[Problem, ...]
    explanation: tuple[str, ...] = ()
    suggestion: str | None = None
    """The name that was most likely meant, when a slip is plain; itself valid."""
    refused_by: tuple[FieldVerdict, ...] = ()
    """Who refuses this name although it is valid."""
    accepted_by: tuple[FieldVerdict, ...] = ()
    """Who takes this name although it is invalid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """An iSCSI address read into its parts; its name is normalized (RFC 3722)."""

    address: str
    valid: bool
    host: str | None
    host_kind: Literal["name", "ipv4", "ipv6"] | None
    port: int | None
    port_assumed: bool
    """True when no port was given and 3260 was taken."""
    portal_group: int | None
    name: str | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Alias:
    """The verdict on an iSCSI alias, a label for people."""

    alias: str
    valid: bool
    characters: int
    bytes: int
    problems: tuple[Problem, ...]


def any_error(problems: tuple[Problem, ...]) -> bool:
    """True when at least one problem makes its subject invalid."""
    return any(problem.severity == "error" for problem in problems)
