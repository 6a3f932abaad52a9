"""What SCSI status and sense data show about a fault: where it is, what kind it is, and what to do next.

The rules are rows of ``knowledge/data/scsi_diagnosis.tsv``. Their patterns are ``host NAME``, ``device NAME`` and
``plugin NAME`` for status, with the names of ``scsi_status.tsv``, and ``KEY/ASC/ASCQ`` for sense data.
"""

from __future__ import annotations

from functools import cache

from knowledge.diagnosis import Diagnosis, Rules, first_match, read_rules
from knowledge.scsi.sense import Sense
from knowledge.scsi.status import Status


def diagnose_status(status: Status) -> Diagnosis | None:
    """Return what a status shows; None when no rule exists, or when its possible meanings differ in what they show.

    A CHECK CONDITION shows nothing by itself: see ``diagnose_sense``.
    """
    if status.cause is None:
        return None
    found = {
        first_match(_rules(), (f"{reading.component} {reading.name.removeprefix('DID_') or reading.code}",))
        for reading in status.readings
    }
    return found.pop() if len(found) == 1 else None


def diagnose_sense(sense: Sense, command: int | None) -> Diagnosis | None:
    """Return what valid sense data shows; None when no rule exists.

    ``command`` is the operation code of the failed command, or None when it is not known.
    """
    key, asc, ascq = (f"{number:x}" for number in (sense.key, sense.asc, sense.ascq))
    patterns = (f"{key}/{asc}/{ascq}", f"{key}/{asc}/*", f"*/{asc}/*", f"{key}/*/*")
    return first_match(_rules(), patterns, f"{command:#x}" if command is not None else "")


@cache
def _rules() -> Rules:
    return read_rules("scsi_diagnosis.tsv")
