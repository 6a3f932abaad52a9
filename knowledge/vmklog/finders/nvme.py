"""Finds the NVMe status of a log line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.line import Finder, Line

NVME = "NVMe status {code}: neither a vmkernel status nor SCSI sense data, so it is not decoded here"

_STATUS = re.compile(r"\bstatus[:=]?\s*(0[x×][0-9a-f]{1,4})(?!\w)", re.IGNORECASE)


def find(line: Line) -> Iterator[Finding]:
    """Yield the NVMe status after the word NVMe."""
    nvme = line.lower.find("nvme")
    for found in _STATUS.finditer(line.text, nvme) if nvme >= 0 else ():
        yield line.finding(found.start(1), found.end(1), _meaning(found[1]))


FINDER = Finder(lambda _: (r"nvme[^\n]*status[:=]?\s*0",), find)


@lru_cache(maxsize=1024)
def _meaning(code: str) -> Meaning:
    return Meaning(kind="nvme-status", summary=NVME.format(code=code), certainty="open")
