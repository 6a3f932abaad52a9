"""Recognizes an OVF package where a VMX is expected, and the reverse, by what the file contains."""

from __future__ import annotations

import re
from typing import Literal

LOOKED_AT = 1 << 16
"""Characters or bytes at the beginning of a file."""

_ENVELOPE = re.compile(r"<(?:[\w.-]{1,40}:)?Envelope[\s>]")
_TAR_MAGIC = slice(257, 262)
_LINE = re.compile(r"\s*[\w.:-]{1,200}\s*=\s*\"?[^<>]*")
_KEY = re.compile(
    r"^\s*(?:config\.version|virtualhw\.version|displayname|guestos|memsize|(?:scsi|ide|sata|nvme)\d+(?::\d+)?\.\w+"
    r"|ethernet\d+\.\w+|uuid\.bios|nvram)\s*=",
    re.IGNORECASE | re.MULTILINE,
)


def ovf_kind(content: str) -> Literal["", "OVF descriptor", "OVA"]:
    """Return which kind of OVF package a text is the beginning of; empty when it is none."""
    if content[_TAR_MAGIC] == "ustar":
        return "OVA"
    start = content[:LOOKED_AT].replace("\0", "").lstrip("\ufeff \t\r\n")
    return "OVF descriptor" if start.startswith("<") and _ENVELOPE.search(start) else ""


def is_vmx(content: bytes) -> bool:
    """Return whether a file is a VMX: it has settings that every VMX may have, and no line of it is anything else."""
    text = content[:LOOKED_AT].replace(b"\0", b"").decode("latin-1")
    lines = text.splitlines()[: None if len(content) <= LOOKED_AT else -1]
    settings = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return bool(_KEY.search(text)) and all(map(_LINE.match, settings))
