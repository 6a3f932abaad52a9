"""Names of the NVMe opcodes (source: NVM Express Base Specification; see ``knowledge/data/nvme_opcodes.tsv``)."""

from __future__ import annotations

from functools import cache

from knowledge.data_files import data_lines

ADMIN_QUEUE = 0
"""The queue identifier of the admin queue; all others are I/O queues."""

FABRICS = 0x7F
"""The opcode of the commands that NVMe over Fabrics adds."""


def command_name(opcode: int, queue: int | None = None) -> str:
    """Return the name of an opcode (0x2: ``Read``), or an empty string for an unknown one.

    The same opcode means another command on the admin queue. When the queue is not known, the result has both.
    """
    if queue is not None:
        return _names("admin" if queue == ADMIN_QUEUE else "io").get(opcode, "")
    io, admin = _names("io").get(opcode, ""), _names("admin").get(opcode, "")
    if io and admin and io != admin:
        return f"{io}, or {admin} on the admin queue"
    return io or admin


@cache
def _names(queue: str) -> dict[int, str]:
    rows = (line.split("\t") for line in data_lines("nvme_opcodes.tsv"))
    return {int(code, 16): name for which, code, name, _ in rows if which == queue}
