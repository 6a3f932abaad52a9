"""The meaning of the status of an NVMe command.

ESXi logs the type and the code in one number: type in bits 8 to 10, code in bits 0 to 7 (VMware's ``nvme_pcie.c``).
NVMe itself adds bits above: Do Not Retry (0x4000), More (0x2000) and a retry delay (0x1800). Source of the names: NVM
Express Base Specification (``knowledge/data/nvme_status.tsv``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from knowledge.data_files import data_lines
from knowledge.nvme.commands import FABRICS

VENDOR = 7
"""The type of status codes that each vendor defines."""

_DO_NOT_RETRY = 0x4000
_MORE = 0x2000
_ABOVE_TYPE = 0x1800


@dataclass(frozen=True, kw_only=True, slots=True)
class NvmeStatus:
    """The meaning of the status of an NVMe command."""

    type: int
    code: int
    type_name: str
    """Such as ``media and data integrity errors``; empty when the standard has no such type."""
    name: str
    """Such as ``Unrecovered Read Error``; empty when the standard does not define the code."""
    commands: str
    """``fabrics`` or ``io`` when the name holds only for these commands, else empty."""
    do_not_retry: bool
    by_host: bool
    """Whether it is a status of ESXi itself, above the numbers that a device can send."""

    @property
    def success(self) -> bool:
        """Whether the command completed without an error."""
        return not (self.type or self.code or self.by_host)


def status(number: int, opcode: int | None = None) -> NvmeStatus:
    """Return the meaning of a status as logged; some codes depend on the opcode, which may be unknown."""
    types, names = _tables()
    flags = number & (_DO_NOT_RETRY | _MORE)
    type_, code = number >> 8 & 0x7, number & 0xFF
    by_host = bool(number & _ABOVE_TYPE) and not flags
    of_commands = {} if by_host else names.get((type_, code), {})
    commands = next((which for which in (_set_of(opcode), "") if which in of_commands), "")
    return NvmeStatus(
        type=type_,
        code=code,
        type_name="" if by_host else types.get(type_, ""),
        name=of_commands.get(commands, ""),
        commands=commands,
        do_not_retry=bool(flags & _DO_NOT_RETRY),
        by_host=by_host,
    )


def _set_of(opcode: int | None) -> str:
    return "fabrics" if opcode == FABRICS else "io"


@cache
def _tables() -> tuple[dict[int, str], dict[tuple[int, int], dict[str, str]]]:
    """Return the names of types, and by type and code the name for each set of commands."""
    types: dict[int, str] = {}
    names: dict[tuple[int, int], dict[str, str]] = {}
    for line in data_lines("nvme_status.tsv"):
        kind, type_, code, commands, name, _ = line.split("\t")
        if kind == "type":
            types[int(type_, 16)] = name
        else:
            names.setdefault((int(type_, 16), int(code, 16)), {})[commands] = name
    return types, names
