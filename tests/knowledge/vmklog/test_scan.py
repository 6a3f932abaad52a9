"""The scan selects every line with a finding, and the finders that find it."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given, settings

from knowledge.vmkerr.table import bundled
from knowledge.vmklog.finding import Finding
from knowledge.vmklog.scan import scanner
from knowledge.vmklog.stream import Progress, decode_stream
from tests.knowledge.vmklog.test_stream import LOG_LIKE, SAMPLES


def decoded(log: bytes, fast: bool) -> list[Finding]:
    stream = decode_stream([log], None, bundled(), Progress(), fast=fast)
    return [finding for lines in stream for line in lines for finding in line.findings]


def test_published_lines_have_the_same_findings_with_and_without_the_scan() -> None:
    for line in SAMPLES.splitlines():
        assert decoded(line, fast=True) == decoded(line, fast=False)
    assert decoded(SAMPLES, fast=True) == decoded(SAMPLES, fast=False)


@given(LOG_LIKE)
@settings(max_examples=300, deadline=None)
def test_any_lines_have_the_same_findings_with_and_without_the_scan(log: bytes) -> None:
    assert decoded(log, fast=True) == decoded(log, fast=False)


def test_dull_lines_are_not_selected() -> None:
    dull = b"2024-05-01T00:00:00.123Z cpu1:2)NetPort: 1580: disabled port 0x20000, vSwitch0 is up at 10000 Mbps\n"
    assert list(scanner(bundled())(dull * 100)) == []


def test_a_lookup_of_a_code_does_not_load_hyperscan() -> None:
    code = "import sys, vmkops.__main__ as vmkops; vmkops.main(['vmkerr', '0xbad0006']); print('hyperscan' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == b"False"
