"""The meaning of NVMe numbers that ESXi logs: the status of a command and its opcode.

Start at ``status`` and ``command_name``; ``diagnose`` returns what a status shows about a fault.

>>> status(0x281).name
'Unrecovered Read Error'
"""

from knowledge.nvme.commands import ADMIN_QUEUE, command_name
from knowledge.nvme.diagnosis import diagnose
from knowledge.nvme.status import VENDOR, NvmeStatus, status

__all__ = ["ADMIN_QUEUE", "VENDOR", "NvmeStatus", "command_name", "diagnose", "status"]
