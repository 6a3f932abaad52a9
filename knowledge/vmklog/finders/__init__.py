"""What is found in log lines: each module finds one sort of thing, and is listed in ``FINDERS``."""

from knowledge.vmklog.finders import codes, events, names, nvme, scsi, subjects
from knowledge.vmklog.line import Finder

FINDERS: tuple[Finder, ...] = (
    codes.FINDER,
    scsi.FINDER,
    nvme.FINDER,
    events.FINDER,
    names.FINDER,
    subjects.VM_OF_LOG,
)
"""In the order in which findings at the same place are listed."""
