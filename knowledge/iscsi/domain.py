"""What a domain name may look like (RFC 1034, 1123, 3490): for naming authorities and for hosts."""

from __future__ import annotations

LONGEST_LABEL = 63
LONGEST_DOMAIN = 253

DOCUMENTED_TOP_LEVEL_DOMAINS = frozenset({"com", "edu", "gov", "org", "net", "mil"})
"""The only ones besides two-letter country codes that the documented rule of RFC 3721's age knows."""


def label_fault(label: str) -> str | None:
    """Say what is wrong with one label of a domain, or None; the characters themselves are not judged."""
    if not label:
        return "an empty part (two dots in a row, or a dot at an end)"
    if label.startswith("-") or label.endswith("-"):
        return f"'{label}' begins or ends with a dash"
    if _wire_length(label) > LONGEST_LABEL:
        return f"'{label[:20]}...' is longer than {LONGEST_LABEL} bytes"
    return None


def domain_faults(labels: list[str]) -> list[str]:
    """Say what is wrong with a domain given as labels, the top-level domain last; empty when nothing is."""
    faults = [fault for fault in map(label_fault, labels) if fault]
    if labels[-1].isdecimal():
        faults.append(f"'{labels[-1]}' stands where the top-level domain belongs, and that is never a number")
    if sum(map(_wire_length, labels)) + len(labels) - 1 > LONGEST_DOMAIN:
        faults.append(f"the domain is longer than {LONGEST_DOMAIN} bytes")
    return list(dict.fromkeys(faults))


def known_to_rfc_3721(top_level_domain: str) -> bool:
    """True for com, edu, gov, org, net, mil and two-letter codes (which are not looked up one by one)."""
    if top_level_domain in DOCUMENTED_TOP_LEVEL_DOMAINS:
        return True
    return len(top_level_domain) == 2 and top_level_domain.isascii() and top_level_domain.isalpha()


def _wire_length(label: str) -> int:
    """Bytes of a label as DNS carries it, that is in its ``xn--`` form when it is not ASCII."""
    if label.isascii():
        return len(label)
    return len("xn--") + len(label.encode("punycode"))
