"""What the status of an NVMe command shows about a fault: where it is, what kind it is, and what to do next.

The rules are rows of ``knowledge/data/nvme_diagnosis.tsv``. Their pattern is ``TYPE/CODE``; their commands are
``fabrics``, ``io``, or ``scsi:0x85`` for a SCSI command that ESXi translated.
"""

from __future__ import annotations

from functools import cache

from knowledge.diagnosis import Diagnosis, Rules, first_match, read_rules
from knowledge.nvme.status import NvmeStatus


def diagnose(status: NvmeStatus, scsi_command: int | None = None) -> Diagnosis | None:
    """Return what a status shows; None when no rule exists.

    ``scsi_command`` is the operation code of the SCSI command that ESXi translated to the failed one, if there is one.
    """
    if status.by_host:
        return None
    command = f"scsi:{scsi_command:#x}" if scsi_command is not None else status.commands
    return first_match(_rules(), (f"{status.type:x}/{status.code:02x}",), command)


@cache
def _rules() -> Rules:
    return read_rules("nvme_diagnosis.tsv")
