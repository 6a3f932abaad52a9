"""Names the kind of a log by the format of its lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from knowledge.loginput.looked_at import LookedAt
from knowledge.vmkerr.table import Tables
from knowledge.vmklog.line import text_of
from knowledge.vmklog.origin import inferred_origin

SAMPLE_LINES = 40
SAMPLE = 1 << 15
"""The most lines and bytes at the beginning of a log that are looked at."""

_KINDS = (
    ("vmkernel log", re.compile(r"\bvmk(?:ernel|warning)\b|\bcpu\d+:\d+(?: opID=\w+)?\)")),
    ("vobd log", re.compile(r"\bvobd\b|\[\w+Correlator\]")),
    ("vpxa log", re.compile(r"\bvpxa\b", re.IGNORECASE)),
    ("vpxd log", re.compile(r"\bvpxd\b", re.IGNORECASE)),
    ("hostd log", re.compile(r"\bhostd\b|\[Originator@6876\b", re.IGNORECASE)),
    (
        "vmware.log of a VM",
        re.compile(r"\| (?:vmx|vcpu-\d+|mks|worker|svga)\|| [A-Z][a-z]\(\d\d\) (?:vmx|vcpu-\d+|mks) "),
    ),
    ("syslog", re.compile(r"<\d{1,3}>|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ")),
)


def noted(blocks: Iterable[bytes], looked: LookedAt, tables: Tables) -> Iterator[bytes]:
    """Yield the same blocks, and note the kinds of log that the first lines show in ``looked``."""
    sample = b""
    blocks = iter(blocks)
    for block in blocks:
        if len(sample) < SAMPLE and sample.count(b"\n") < SAMPLE_LINES:
            sample += block[: SAMPLE - len(sample)]
            ended = len(sample) >= SAMPLE or sample.count(b"\n") >= SAMPLE_LINES
            if ended:
                _note(sample, looked, tables)
        yield block
    if len(sample) < SAMPLE and sample.count(b"\n") < SAMPLE_LINES:
        _note(sample, looked, tables)


def format_of(line: str, tables: Tables | None = None) -> str:
    """Return the kind of log that a line is from, with its release where it shows; empty when it is not known."""
    head = line[:400]
    kind = next((name for name, pattern in _KINDS if pattern.search(head)), "")
    release = inferred_origin(line, tables).release
    if kind and release:
        return f"{kind} of {release}"
    return kind or (f"log of {release}" if release else "")


def _note(sample: bytes, looked: LookedAt, tables: Tables) -> None:
    lines = sample.split(b"\n", SAMPLE_LINES)[:SAMPLE_LINES]
    counts = Counter(format_of(text_of(line), tables) for line in lines if line.strip())
    for name, count in counts.most_common(3):
        if count * 5 >= sum(counts.values()):
            looked.add_format(name)
