"""Rules for domain names (RFC 1034, 1123, 3490), used for naming authorities and for hosts."""

from __future__ import annotations

LONGEST_LABEL = 63
LONGEST_DOMAIN = 253

DOCUMENTED_TOP_LEVEL_DOMAINS = frozenset({"com", "edu", "gov", "org", "net", "mil"})
"""The only top-level domains, apart from two-letter country codes, in the documented rule from the time of RFC 3721."""


def label_fault(label: str) -> str | None:
    """Return what is wrong with the form of one label of a domain, or None; its characters are not checked."""
    if not label:
        return "an empty part (two dots in a row, or a dot at an end)"
    if label.startswith("-") or label.endswith("-"):
        return f"'{label}' begins or ends with a dash"
    if _wire_length(label) > LONGEST_LABEL:
        return f"'{label[:20]}...' has more than {LONGEST_LABEL} bytes"
    return None


def domain_faults(labels: list[str]) -> list[str]:
    """Return everything that is wrong with the form of a domain, given as labels with the top-level domain last."""
    faults = [fault for fault in map(label_fault, labels) if fault]
    if labels[-1].isdecimal():
        faults.append(f"'{labels[-1]}' is in the place of the top-level domain, which cannot be a number")
    if sum(map(_wire_length, labels)) + len(labels) - 1 > LONGEST_DOMAIN:
        faults.append(f"the domain has more than {LONGEST_DOMAIN} bytes")
    return list(dict.fromkeys(faults))


def known_to_rfc_3721(top_level_domain: str) -> bool:
    """Return True for com, edu, gov, org, net, mil and any two-letter code (existing or not)."""
    if top_level_domain in DOCUMENTED_TOP_LEVEL_DOMAINS:
        return True
    return len(top_level_domain) == 2 and top_level_domain.isascii() and top_level_domain.isalpha()


def _wire_length(label: str) -> int:
    """Return the number of bytes of a label in DNS, where a label that is not ASCII has its ``xn--`` form."""
    if label.isascii():
        return len(label)
    return len("xn--") + len(label.encode("punycode"))
