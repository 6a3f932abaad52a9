"""Names of the SCSI operation codes that hosts send to disks and arrays (source: T10 SPC-4 and SBC-3)."""

from __future__ import annotations

_NAMES = {
    0x00: "TEST UNIT READY",
    0x03: "REQUEST SENSE",
    0x04: "FORMAT UNIT",
    0x08: "READ(6)",
    0x0A: "WRITE(6)",
    0x12: "INQUIRY",
    0x15: "MODE SELECT(6)",
    0x16: "RESERVE(6)",
    0x17: "RELEASE(6)",
    0x1A: "MODE SENSE(6)",
    0x1B: "START STOP UNIT",
    0x1E: "PREVENT ALLOW MEDIUM REMOVAL",
    0x25: "READ CAPACITY(10)",
    0x28: "READ(10)",
    0x2A: "WRITE(10)",
    0x2E: "WRITE AND VERIFY(10)",
    0x2F: "VERIFY(10)",
    0x35: "SYNCHRONIZE CACHE(10)",
    0x3C: "READ BUFFER(10)",
    0x41: "WRITE SAME(10)",
    0x42: "UNMAP",
    0x4D: "LOG SENSE",
    0x55: "MODE SELECT(10)",
    0x56: "RESERVE(10)",
    0x57: "RELEASE(10)",
    0x5A: "MODE SENSE(10)",
    0x5E: "PERSISTENT RESERVE IN",
    0x5F: "PERSISTENT RESERVE OUT",
    0x83: "EXTENDED COPY",
    0x84: "RECEIVE COPY RESULTS",
    0x85: "ATA PASS-THROUGH(16)",
    0x88: "READ(16)",
    0x89: "COMPARE AND WRITE",
    0x8A: "WRITE(16)",
    0x8F: "VERIFY(16)",
    0x91: "SYNCHRONIZE CACHE(16)",
    0x93: "WRITE SAME(16)",
    0xA0: "REPORT LUNS",
    0xA1: "ATA PASS-THROUGH(12)",
    0xA8: "READ(12)",
    0xAA: "WRITE(12)",
}

_USES = {
    0x42: "gives unused space back to the array (VAAI)",
    0x83: "copies inside the array (VAAI)",
    0x89: "locks a VMFS file (VAAI, atomic test and set)",
    0x93: "zeroes blocks inside the array (VAAI)",
}


def command_name(code: int) -> str:
    """Return the name of an operation code (0x28: ``READ(10)``), or an empty string for an unknown one.

    The commands of VAAI have a remark on what ESX uses them for.
    """
    name = _NAMES.get(code) or _by_service_action(code)
    return f"{name}, {_USES[code]}" if code in _USES else name


def _by_service_action(code: int) -> str:
    """Return the name of a code that is shared by several commands; the byte that identifies them is not in the log."""
    if code == 0x9E:
        return "SERVICE ACTION IN(16), such as READ CAPACITY(16)"
    if code == 0xA3:
        return "MAINTENANCE IN, such as REPORT TARGET PORT GROUPS"
    return "MAINTENANCE OUT, such as SET TARGET PORT GROUPS" if code == 0xA4 else ""
