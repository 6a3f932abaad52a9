"""Guesses the name that was meant behind a common slip: stray marks, underscores, web dashes, an unturned domain."""

from __future__ import annotations

import re
from collections.abc import Callable

from knowledge.iscsi.domain import DOCUMENTED_TOP_LEVEL_DOMAINS
from knowledge.iscsi.values import IqnParts, Name

_WEB_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
_WRAPPINGS = "\"'`<>()[]{},;.\u201c\u201d\u2018\u2019"


def suggest(verdict: Name, judge: Callable[[str], Name]) -> str | None:
    """Return the repaired name when the repair is itself valid and differs from what was typed, else None."""
    if len(verdict.name) > 1000:
        return None
    repaired = judge(_repair(verdict.name))
    if not repaired.valid or repaired.normalized is None:
        return None
    meant = _turn_domain(repaired)
    return None if meant == verdict.name else meant


def _repair(name: str) -> str:
    text = name.translate(_WEB_DASHES)
    text = "".join(character for character in text if character.isprintable() or character.isspace())
    text = text.strip().strip(_WRAPPINGS).strip()
    text = re.sub(r"^initiatorname\s*=\s*", "", text, flags=re.IGNORECASE)
    if re.match(r"(eui|naa)\.", text, re.IGNORECASE):
        return text[:4] + re.sub(r"^0x|[-: ]", "", text[4:], flags=re.IGNORECASE)
    text = re.sub(r"^(iqn\.[0-9]{4}-)([1-9]\.)", r"\g<1>0\2", text, flags=re.IGNORECASE)
    return text.replace("_", "-")


def _turn_domain(repaired: Name) -> str:
    """Turn the naming authority round where it ends in com, org and the like and does not begin so."""
    name = repaired.normalized or ""
    parts = repaired.parts
    if not isinstance(parts, IqnParts):
        return name
    labels = parts.reversed_authority.split(".")
    documented = DOCUMENTED_TOP_LEVEL_DOMAINS
    if len(labels) < 2 or labels[-1] not in documented or labels[0] in documented or len(labels[0]) == 2:
        return name
    return name.replace(parts.reversed_authority, parts.naming_authority, 1)
