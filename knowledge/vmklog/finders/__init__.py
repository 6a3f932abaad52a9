"""What is found in log lines: each module finds one sort of thing, and is listed in ``FINDERS``."""

from knowledge.vmklog.finders import codes, events, iscsi_login, names, nvme, psod, quiesce, scsi, texts, vim_faults
from knowledge.vmklog.finders.subjects import VM_OF_LOG
from knowledge.vmklog.line import Finder

FINDERS: tuple[Finder, ...] = (
    VM_OF_LOG,
    codes.FINDER,
    scsi.FINDER,
    nvme.FINDER,
    events.FINDER,
    texts.FINDER,
    psod.FINDER,
    vim_faults.FINDER,
    quiesce.FINDER,
    iscsi_login.FINDER,
    names.FINDER,
)
"""In the order in which findings at the same place are listed."""
