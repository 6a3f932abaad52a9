"""Finds the NVMe status of a log line, and the command that failed with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge import nvme
from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.line import Finder, Line
from knowledge.vmklog.scsi_meanings import command_meaning, diagnosed

SUCCESS = "NVMe status {code}: no error"
BY_HOST = "NVMe status {code}: a status of ESXi itself, whose meaning is not published"
NOT_DEFINED = "NVMe status {code}: not defined by the standard{type}"
OF_VENDOR = "NVMe status {code}: vendor specific, ask the vendor of the drive or array"
NO_RETRY = "The device reports that a retry will fail in the same way (Do Not Retry)."

DEFINED = "the NVMe standard defines this status"
UNKNOWN = "the NVMe standard does not define this status"
HOST_TYPE = "no device can send this number: its type is larger than the largest type of the NVMe standard"
COMMAND_DEFINED = "the NVMe standard defines this opcode"
QUEUE_UNKNOWN = "the opcode means another command on the admin queue, and the line does not show the queue"

_HEX = "(0[x×]([0-9a-f]{1,4}))(?!\\w)"
_NVME = re.compile(r"(?<!t10\.)nvme", re.IGNORECASE)
"""A module or transport, not the name of a disk."""
_STATUS = re.compile(rf"(?:(?<!\()\b|nvme)status[:=]?\s*{_HEX}|\bcommand failed, {_HEX}", re.IGNORECASE)
_OPCODE = re.compile(r"\b(SCSI )?opc(?:ode)?[:=]?\s*(0[x×]([0-9a-f]{1,2}))(?!\w)", re.IGNORECASE)
_QUEUE = re.compile(r"\b(?:queue|q|qid)[:=]?\s+(\d+)\b", re.IGNORECASE)


def find(line: Line) -> Iterator[Finding]:
    """Yield the NVMe status after the word NVMe and, with it, the opcode of the command."""
    nvme_at = _NVME.search(line.text) if "nvme" in line.lower else None
    if nvme_at is None:
        return
    start = nvme_at.start()
    found = list(_STATUS.finditer(line.text, start))
    if not found:
        return
    opcode = _OPCODE.search(line.text, start)
    code = int(opcode[3], 16) if opcode else None
    of_scsi = bool(opcode and opcode[1])
    queue = _QUEUE.search(line.text, start)
    for each in found:
        group = 1 if each[1] else 3
        meaning = _status_meaning(int(each[group + 1], 16), code, of_scsi)
        yield line.finding(each.start(group), each.end(group), meaning)
    if opcode and code is not None:
        named = command_meaning(code) if of_scsi else _command_meaning(code, int(queue[1]) if queue else None)
        if named:
            yield line.finding(opcode.start(2), opcode.end(2), named)


# The group makes "nvme" the text by which lines are found: "status" is in many more of them.
FINDER = Finder(lambda _: (r"nvme[^\n]*(?:status)[:=]?[^\S\n]*0", r"nvme[^\n]*command failed, 0"), find)


@lru_cache(maxsize=4096)
def _status_meaning(number: int, opcode: int | None, of_scsi: bool) -> Meaning:
    """Return the meaning of a status; ``opcode`` is that of a SCSI command when ``of_scsi``."""
    status = nvme.status(number, None if of_scsi else opcode)
    code = f"{number:#x}"
    if status.success:
        return Meaning(kind="nvme-status", summary=SUCCESS.format(code=code), reason=DEFINED)
    if not status.name:
        of_vendor = status.type_name and status.type == nvme.VENDOR
        of_type = f" ({status.type_name})" if status.type_name else ""
        template = BY_HOST if status.by_host else OF_VENDOR if of_vendor else NOT_DEFINED
        reason = HOST_TYPE if status.by_host else UNKNOWN
        summary = template.format(code=code, type=of_type)
        return Meaning(kind="nvme-status", summary=summary, certainty="open", reason=reason)
    meaning = Meaning(
        kind="nvme-status",
        summary=f"NVMe status {code} {status.name} ({status.type_name})",
        reason=DEFINED,
        notes=(NO_RETRY,) if status.do_not_retry else (),
    )
    return diagnosed(meaning, nvme.diagnose(status, opcode if of_scsi else None))


@lru_cache(maxsize=1024)
def _command_meaning(opcode: int, queue: int | None) -> Meaning | None:
    name = nvme.command_name(opcode, queue)
    if not name:
        return None
    known = name == nvme.command_name(opcode, 1) or name == nvme.command_name(opcode, nvme.ADMIN_QUEUE)
    return Meaning(
        kind="nvme-command",
        summary=f"NVMe command {opcode:#x} {name}",
        certainty="certain" if known else "open",
        reason=COMMAND_DEFINED if known else QUEUE_UNKNOWN,
    )
