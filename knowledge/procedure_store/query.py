"""Converts the words of a user to a full-text query that is always valid.

Only letters and digits remain, each word in quotes, so user input is never interpreted as query syntax
(https://www.sqlite.org/fts5.html, "Full-text Query Syntax").
"""

from __future__ import annotations

import re

MAX_WORDS = 12
"""How many words of a query are used."""

_MAX_CHARACTERS = 1000
_WORD = re.compile(r"[^\W_]{1,60}")
_CAMEL_CASE_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_PRODUCT_SPELLINGS = {
    "iSCSI": "Iscsi",
    "ESXi": "Esxi",
    "vCenter": "Vcenter",
    "vSphere": "Vsphere",
    "vMotion": "Vmotion",
    "VMkernel": "Vmkernel",
    "VMware": "Vmware",
}

_STOP = """
    a about an and are as at be been but by can cannot could did do does for from had has have how i if in into
    is it its me my no not of on or our out should so some than that the their them then there this to too up us
    was we were what when where which who why will with would you your
"""
_NOISE = """
    alarm alert almost critical error esx esxi high host hosts info node page too very vm vmkops vms vmware
    vsphere warn warning
"""
_STOP_WORDS = frozenset(_STOP.split())
_ALERT_NOISE = _STOP_WORDS | frozenset(_NOISE.split())


def typed_words(text: str) -> list[str]:
    """Return the distinct words of a search in order; stop words are included only when there are no others."""
    words = list(dict.fromkeys(_WORD.findall(text[:_MAX_CHARACTERS])))
    significant = [word for word in words if word.lower() not in _STOP_WORDS]
    return (significant or words)[:MAX_WORDS]


def alert_words(name: str) -> list[str]:
    """Return the significant words of an alert's name: ``backup`` and ``failed`` for ``VMBackupFailed``."""
    words = [part.lower() for word in typed_words(name) for part in camel_case_parts(word)]
    significant = [word for word in dict.fromkeys(words) if word not in _ALERT_NOISE]
    return significant[:MAX_WORDS]


def name_key(name: str) -> str:
    """Return a key that is the same for ``DatastoreFull``, ``datastore_full`` and ``Datastore full``."""
    return "".join(_WORD.findall(name[:_MAX_CHARACTERS])).lower()


def camel_case_parts(word: str) -> list[str]:
    """Return the parts of a CamelCase word; any other word is its only part."""
    for product, plain in _PRODUCT_SPELLINGS.items():
        word = word.replace(product, plain)
    return _CAMEL_CASE_PART.findall(word) if word.isascii() else [word]


def phrase(word: str, *, prefix: bool = False) -> str:
    """Return a query for one word, or with ``prefix`` for every word that starts with it."""
    return f'"{word}"*' if prefix else f'"{word}"'


def any_of(queries: list[str]) -> str:
    """Return a query for pages that match at least one of ``queries``."""
    return "(" + " OR ".join(queries) + ")"


def all_of(queries: list[str]) -> str:
    """Return a query for pages that match all of ``queries``."""
    return "(" + " AND ".join(queries) + ")"


def in_names(query: str) -> str:
    """Return the same query limited to the columns that name a page: title, aliases and subjects."""
    return f"{{title aliases subjects}} : {query}"
