"""Parses ``eui.`` and ``naa.`` names: IEEE identifiers in hexadecimal, with the OUI of the organization."""

from __future__ import annotations

from typing import NamedTuple

from knowledge.iscsi.values import EuiParts, NaaParts, Problem

EUI_DIGITS = 16
SOURCE_OF_NAA = "FC-FS (INCITS), Name_Identifier; SPC (INCITS), NAA designator; RFC 3980 section 4.1"
"""What defines the types and their lengths; RFC 3980 lets iSCSI names carry them, of 64 or 128 bits."""
_HEX = frozenset("0123456789abcdef")


class NaaKind(NamedTuple):
    """One NAA type: its name, its number of digits, and the position of the OUI in them."""

    name: str
    digits: int
    oui_at: int | None
    usual: bool
    """True for the types that SCSI itself lists (SPC, designator type 3)."""


NAA_KINDS: dict[int, NaaKind] = {
    1: NaaKind("IEEE 48-bit address", 16, 4, False),
    2: NaaKind("IEEE Extended", 16, 4, True),
    3: NaaKind("Locally Assigned", 16, None, True),
    4: NaaKind("IP address", 16, None, False),
    5: NaaKind("IEEE Registered", 16, 1, True),
    6: NaaKind("IEEE Registered Extended", 32, 1, True),
    12: NaaKind("IEEE EUI-64 mapped", 16, 0, False),
    13: NaaKind("IEEE EUI-64 mapped", 16, 0, False),
    14: NaaKind("IEEE EUI-64 mapped", 16, 0, False),
    15: NaaKind("IEEE EUI-64 mapped", 16, 0, False),
}
"""Types by their first hex digit (source: FC-FS); the missing digits are reserved or mean "no name"."""


def read_eui(text: str) -> tuple[EuiParts | None, tuple[Problem, ...]]:
    """Return the parts of a prepared ``eui.`` name and its problems; the parts are None when it is not valid."""
    digits = text.removeprefix("eui.")
    problems = _hex_problems("eui", digits, (EUI_DIGITS,), "RFC 7143 section 4.2.7.5")
    if problems:
        return None, problems
    from_mac = digits[6:10] in {"fffe", "ffff"}
    parts = EuiParts(
        identifier=digits,
        oui=_octets(digits[:6]),
        extension=digits[6:],
        mac=_octets(digits[:6] + digits[10:]) if from_mac else None,
    )
    return parts, ()


def read_naa(text: str) -> tuple[NaaParts | None, tuple[Problem, ...]]:
    """Return the parts of a prepared ``naa.`` name and its problems; the parts are None when it is not valid."""
    digits = text.removeprefix("naa.")
    kind = NAA_KINDS.get(int(digits[0], 16)) if digits[:1] in _HEX else None
    problems = _hex_problems("naa", digits, (16, 32), SOURCE_OF_NAA)
    if kind is not None and kind.digits != len(digits):
        problems = (*(each for each in problems if each.rule != "naa-length"), _wrong_length_for_type(kind, digits))
    if problems:
        return None, problems
    if kind is None:
        message = f"The first digit is the NAA type, and type {digits[0]} is reserved or means that there is no name."
        return None, (Problem(rule="naa-type", severity="error", message=message, source=SOURCE_OF_NAA),)
    unusual = () if kind.usual else (_unusual_type(kind, digits),)
    return _naa_parts(kind, digits), unusual


def _naa_parts(kind: NaaKind, digits: str) -> NaaParts:
    oui = None
    vendor_specific = digits[1:16]
    if kind.oui_at is not None:
        end = kind.oui_at + 6
        oui = _octets(digits[kind.oui_at : end])
        vendor_specific = digits[1 : kind.oui_at] + digits[end:16]
    if kind.oui_at == 0:
        # The type replaces the two low bits of the OUI's first octet, which are always 0: 11bbbbbb stands for bbbbbb00.
        first = (int(digits[:2], 16) & 0x3F) << 2
        oui = _octets(f"{first:02x}{digits[2:6]}")
    return NaaParts(
        identifier=digits,
        bits=len(digits) * 4,
        naa=int(digits[0], 16),
        naa_name=kind.name,
        oui=oui,
        vendor_specific=vendor_specific,
        extension=digits[16:] or None,
    )


def _hex_problems(prefix: str, digits: str, lengths: tuple[int, ...], source: str) -> tuple[Problem, ...]:
    problems = []
    wrong = dict.fromkeys(digit for digit in digits if digit not in _HEX)
    if wrong:
        shown = ", ".join(repr(digit) for digit in list(wrong)[:5])
        message = f"After '{prefix}.', only hexadecimal digits (0-9, a-f) are allowed, not {shown}."
        problems.append(Problem(rule=f"{prefix}-digits", severity="error", message=message, source=source))
    if len(digits) not in lengths:
        wanted = " or ".join(map(str, lengths))
        message = f"'{prefix}.' needs {wanted} hexadecimal digits; this name has {len(digits)}."
        problems.append(Problem(rule=f"{prefix}-length", severity="error", message=message, source=source))
    return tuple(problems)


def _wrong_length_for_type(kind: NaaKind, digits: str) -> Problem:
    return Problem(
        rule="naa-type-length",
        severity="error",
        message=(
            f"NAA type {digits[0]} ({kind.name}) has {kind.digits} hexadecimal digits; this name has {len(digits)}."
        ),
        source=SOURCE_OF_NAA,
    )


def _unusual_type(kind: NaaKind, digits: str) -> Problem:
    return Problem(
        rule="naa-type-unusual",
        severity="warning",
        message=(
            f"NAA type {digits[0]} ({kind.name}) comes from Fibre Channel. SCSI itself lists only types 2, 3, 5 and 6,"
            " so some products refuse it."
        ),
        source=SOURCE_OF_NAA,
    )


def _octets(digits: str) -> str:
    return "-".join(digits[start : start + 2] for start in range(0, len(digits), 2)).upper()
