"""Suggests the intended name after a common mistake: stray quotes, underscores, dashes from web pages, or a domain that
is not reversed."""

from __future__ import annotations

import re
from collections.abc import Callable

from knowledge.iscsi.domain import DOCUMENTED_TOP_LEVEL_DOMAINS
from knowledge.iscsi.values import IqnParts, Name

_WEB_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
_LONGEST_CORRECTED = 1000
"""Characters; a longer text is not corrected."""

_SURROUNDING = "\"'`<>()[]{},;.\u201c\u201d\u2018\u2019"


def suggest(verdict: Name, check: Callable[[str], Name]) -> tuple[str, ...]:
    """Return the valid name that was most likely intended, when it differs from the one that was typed.

    ``check`` returns the verdict on another name.
    """
    if len(verdict.name) > _LONGEST_CORRECTED or not (corrected := check(_correct(verdict.name))).valid:
        return ()
    name = _reverse_domain(corrected)
    return (name,) if name not in ("", verdict.name) else ()


def _correct(name: str) -> str:
    text = name.translate(_WEB_DASHES)
    text = "".join(character for character in text if character.isprintable() or character.isspace())
    text = text.strip().strip(_SURROUNDING).strip()
    if re.match(r"(eui|naa)\.", text, re.IGNORECASE):
        return text[:4] + re.sub(r"^0x|[-: ]", "", text[4:], flags=re.IGNORECASE)
    text = re.sub(r"^(iqn\.[0-9]{4}-)([1-9]\.)", r"\g<1>0\2", text, flags=re.IGNORECASE)
    return text.replace("_", "-")


def _reverse_domain(verdict: Name) -> str:
    """Return the name with its domain reversed when the domain ends, but does not begin, with com, org and the like."""
    name = verdict.normalized or ""
    parts = verdict.parts
    if not isinstance(parts, IqnParts):
        return name
    labels = parts.reversed_authority.split(".")
    documented = DOCUMENTED_TOP_LEVEL_DOMAINS
    if len(labels) < 2 or labels[-1] not in documented or labels[0] in documented or len(labels[0]) == 2:
        return name
    return name.replace(parts.reversed_authority, parts.naming_authority, 1)
