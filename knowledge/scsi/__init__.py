"""The meaning of SCSI numbers that ESX logs: host, device and plugin status, sense data and commands.

Start at ``status`` (``H: D: P:``), ``status_of_esx3``, ``sense`` and ``command_name``; ``diagnose_status`` and
``diagnose_sense`` return what they show about a fault.

>>> sense(0x5, 0x25, 0x0).text
'Illegal Request: Logical unit not supported'
"""

from knowledge.scsi.commands import command_name
from knowledge.scsi.diagnosis import diagnose_sense, diagnose_status
from knowledge.scsi.sense import Sense, sense
from knowledge.scsi.status import Reading, Status, status, status_of_esx3

__all__ = [
    "Reading",
    "Sense",
    "Status",
    "command_name",
    "diagnose_sense",
    "diagnose_status",
    "sense",
    "status",
    "status_of_esx3",
]
