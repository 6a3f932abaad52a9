"""People's words turned into a full-text query that cannot be wrong.

Only letters and digits get through, each word inside quotes, so nothing typed is ever read as query syntax
(https://www.sqlite.org/fts5.html, "Full-text Query Syntax").
"""

from __future__ import annotations

import re

MAX_WORDS = 12
"""How many words of a query are looked at."""

_MAX_CHARACTERS = 1000
_WORD = re.compile(r"[^\W_]{1,60}")
_HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_FIELD_SPELLINGS = {
    "iSCSI": "Iscsi",
    "ESXi": "Esxi",
    "vCenter": "Vcenter",
    "vSphere": "Vsphere",
    "vMotion": "Vmotion",
    "VMkernel": "Vmkernel",
    "VMware": "Vmware",
}

_SMALL = """
    a about an and are as at be been but by can cannot could did do does for from had has have how i if in into
    is it its me my no not of on or our out should so some than that the their them then there this to too up us
    was we were what when where which who why will with would you your
"""
_NOISE = """
    alarm alert almost critical error esx esxi high host hosts info node page too very vm vmkops vms vmware
    vsphere warn warning
"""
_SMALL_WORDS = frozenset(_SMALL.split())
_ALERT_NOISE = _SMALL_WORDS | frozenset(_NOISE.split())


def typed_words(text: str) -> list[str]:
    """The words of a search, each once, in their order; small words only when there are no others."""
    words = list(dict.fromkeys(_WORD.findall(text[:_MAX_CHARACTERS])))
    telling = [word for word in words if word.lower() not in _SMALL_WORDS]
    return (telling or words)[:MAX_WORDS]


def alert_words(name: str) -> list[str]:
    """The telling words of an alert's name: ``VMBackupFailed`` is about a backup that failed."""
    words = [hump.lower() for word in typed_words(name) for hump in humps(word)]
    telling = [word for word in dict.fromkeys(words) if word not in _ALERT_NOISE]
    return telling[:MAX_WORDS]


def name_key(name: str) -> str:
    """What two spellings of one name share: ``DatastoreFull``, ``datastore_full`` and ``Datastore full``."""
    return "".join(_WORD.findall(name[:_MAX_CHARACTERS])).lower()


def humps(word: str) -> list[str]:
    """The parts of a CamelCase word; a word without humps is its own only part."""
    for field_spelling, plain in _FIELD_SPELLINGS.items():
        word = word.replace(field_spelling, plain)
    return _HUMP.findall(word) if word.isascii() else [word]


def phrase(word: str, *, prefix: bool = False) -> str:
    """A query for one word, or with ``prefix`` for every word that starts with it."""
    return f'"{word}"*' if prefix else f'"{word}"'


def any_of(queries: list[str]) -> str:
    """A query for pages that answer at least one of ``queries``."""
    return "(" + " OR ".join(queries) + ")"


def all_of(queries: list[str]) -> str:
    """A query for pages that answer each of ``queries``."""
    return "(" + " AND ".join(queries) + ")"


def in_names(query: str) -> str:
    """The same query, but only in what names a page: its title, aliases and subjects."""
    return f"{{title aliases subjects}} : {query}"
