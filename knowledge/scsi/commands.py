"""Names of the SCSI operation codes (source: T10, as in sg3_utils; see ``knowledge/data/scsi_commands.tsv``)."""

from __future__ import annotations

from functools import cache

from knowledge.data_files import data_lines

_OF_DISKS = ("all", "disk")


def command_name(code: int) -> str:
    """Return the name of an operation code (0x28: ``READ(10)``), or an empty string for an unknown one.

    The log does not show the type of the device: of several commands with one code, the result is the one for disks, or
    else all of them with their type of device. The commands of VAAI have a remark on what ESX uses them for.
    """
    return _names().get(code, "")


@cache
def _names() -> dict[int, str]:
    of_disks: dict[int, str] = {}
    of_others: dict[int, list[str]] = {}
    for line in data_lines("scsi_commands.tsv"):
        code, devices, name, remark, _ = line.split("\t")
        if devices in _OF_DISKS:
            of_disks.setdefault(int(code, 16), f"{name}, {remark}" if remark else name)
        else:
            of_others.setdefault(int(code, 16), []).append(f"{name} ({devices})")
    return {code: ", or ".join(names) for code, names in of_others.items()} | of_disks
