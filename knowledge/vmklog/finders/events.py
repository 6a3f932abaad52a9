"""Finds the events of ESXi hosts in a log line (``esx.problem.*``, ``esx.clear.*``, ``esx.audit.*``, ``vob.*``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from knowledge.vmklog.esx_events import event, event_of_vob, family
from knowledge.vmklog.event_arguments import arguments
from knowledge.vmklog.facts import Fact
from knowledge.vmklog.finders import iscsi_login
from knowledge.vmklog.finding import Certainty, Finding, Meaning
from knowledge.vmklog.line import Finder, Line

NO_TABLE_HAS_IT = "an event of the family {family}; no table has this identifier"
NOT_IN_TABLE = "the table of events has the family only"
KNOWN_EVENT = "the lists of events of vCenter, or published logs, have this identifier"
SAME_NAME = "vobd derives {event} from the observation of the same name"

_ID = re.compile(
    r"(?<![\w.-])(?:event\.)?(?P<id>(?:esx\.(?:problem|clear|audit)|vob\.\w+)(?:\.\w+){1,16}?)"
    r"(?:\.(?:fullFormat|category|description|formatOn\w+))?(?![\w(/-]|\.\w)"
)
NFS = "nfs-datastore-inaccessible"
NFS_NEXT = (
    "Check whether all hosts report the outage (then suspect the NFS server) or only one host (then suspect its "
    "network). List the mounts: esxcli storage nfs list. Reach the server from the vmknic in use: vmkping -I vmkN "
    "SERVER."
)
_LOST = ("APD", "path loss")
_LONGEST_MESSAGE = 1024


def find(line: Line) -> Iterator[Finding]:
    """Yield the identifiers of events; the message after one shows what the event is about."""
    for found in _ID.finditer(line.text):
        message = line.text[found.end() : found.end() + _LONGEST_MESSAGE]
        next_id = _ID.search(message)
        about = arguments(message[: next_id.start()] if next_id else message)
        known = meaning(found["id"], about)
        if ".login." in found["id"]:
            known = next(
                (_refused(known, each.meaning) for each in iscsi_login.find(line) if each.meaning.class_), known
            )
        yield line.finding(found.start("id"), found.end("id"), known)


def has_known_event(text: str) -> bool:
    """Return whether a text has the identifier of an event whose meaning is known."""
    if "esx." not in text and "vob." not in text:
        return False
    return any(meaning(found["id"]).certainty != "open" for found in _ID.finditer(text))


FINDER = Finder(lambda _: (r"(?-i)esx\.(?:problem|clear|audit)\.\w", r"(?-i)vob\.\w+\.\w"), find)


@lru_cache(maxsize=4096)
def meaning(id_: str, about: str = "") -> Meaning:
    """Return the meaning of an event about some device, datastore, or network adapter in words."""
    if known := event(id_):
        return _meaning(id_, known, about)
    if derived := id_.startswith("vob.") and event_of_vob(id_):
        return _meaning(id_, derived, about, "likely", SAME_NAME.format(event=derived.key))
    above = family(id_)
    assert above, "each family of the pattern is in the table"
    unknown = NO_TABLE_HAS_IT.format(family=f"{above.key} ({above.meaning})")
    return _meaning(id_, above._replace(meaning=unknown, class_=""), about, "open", NOT_IN_TABLE)


def _meaning(id_: str, fact: Fact, about: str, certainty: Certainty = "certain", reason: str = KNOWN_EVENT) -> Meaning:
    summary = f"{id_}{f' for {about}' if about else ''}: {fact.meaning}"
    return of_its_storage(fact, about).as_meaning("event", summary, certainty, reason)


@lru_cache(maxsize=256)
def _refused(event_: Meaning, status: Meaning) -> Meaning:
    """Return the meaning of a refused login with what its login status shows about the fault."""
    return replace(event_, where=status.where, class_=status.class_, next=status.next)


def of_its_storage(fact: Fact, about: str) -> Fact:
    """Return a fact about paths as it is for an NFS datastore when it is about one: the network takes their place."""
    if "NFS datastore" in about and fact.where == "path or fabric":
        next_ = NFS_NEXT if fact.class_ in _LOST else fact.next
        return fact._replace(where="network", next=next_, procedures=(NFS, *fact.procedures))
    return fact
