"""Converts the words of a user to full-text queries that are always valid.

Only letters and digits remain, each word in quotes, so user input is never interpreted as query syntax
(https://www.sqlite.org/fts5.html, "Full-text Query Syntax").
"""

from __future__ import annotations

import re

from knowledge.procedure_store.wording import STOP_WORDS, split_words

MAX_CHARACTERS = 1000
"""How much of a query is used."""

_MAX_ALERT_WORDS = 12
_CAMEL_CASE_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_PRODUCT_SPELLINGS = {
    "iSCSI": "Iscsi",
    "ESXi": "Esxi",
    "vCenter": "Vcenter",
    "VCenter": "Vcenter",
    "vSphere": "Vsphere",
    "VSphere": "Vsphere",
    "vMotion": "Vmotion",
    "VMotion": "Vmotion",
    "VMkernel": "Vmkernel",
    "VMware": "Vmware",
    "vSAN": "Vsan",
    "vVol": "Vvol",
    "NVMe": "Nvme",
}
_NOISE = """
    alarm alert almost critical error esx esxi high host hosts info node page too very vm vmkops vms vmware
    vsphere warn warning
"""
_ALERT_NOISE = STOP_WORDS | frozenset(_NOISE.split())


def typed_words(text: str) -> list[str]:
    """Return the distinct words of a search in order; stop words are included only when there are no others."""
    words = list(dict.fromkeys(split_words(text[:MAX_CHARACTERS])))
    return [word for word in words if word.lower() not in STOP_WORDS] or words


def alert_words(name: str) -> list[str]:
    """Return the significant words of an alert's name: ``backup`` and ``failed`` for ``VMBackupFailed``."""
    words = [part.lower() for word in typed_words(name) for part in camel_case_parts(word)]
    significant = [word for word in dict.fromkeys(words) if word not in _ALERT_NOISE]
    return significant[:_MAX_ALERT_WORDS]


def name_key(name: str) -> str:
    """Return a key that is the same for ``DatastoreFull``, ``datastore_full`` and ``Datastore full``."""
    return "".join(split_words(name[:MAX_CHARACTERS])).lower()


def camel_case_parts(word: str) -> list[str]:
    """Return the parts of a CamelCase word; any other word is its only part."""
    if not word.isascii() or word.islower():
        return [word]
    for product, plain in _PRODUCT_SPELLINGS.items():
        word = word.replace(product, plain)
    return _CAMEL_CASE_PART.findall(word)


def phrase(words: str) -> str:
    """Return a query for one word or for words in a row."""
    return f'"{words}"'


def any_of(queries: list[str]) -> str:
    """Return a query for pages that match at least one of ``queries``."""
    return queries[0] if len(queries) == 1 else "(" + " OR ".join(queries) + ")"


def all_of(queries: list[str]) -> str:
    """Return a query for pages that match all of ``queries``."""
    return queries[0] if len(queries) == 1 else "(" + " AND ".join(queries) + ")"
