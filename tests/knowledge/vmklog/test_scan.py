"""The scan for signs misses no line in which a finder finds something, and selects the finders that find it."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.vmkerr.table import bundled
from knowledge.vmklog.finders import FINDERS
from knowledge.vmklog.finding import Finding
from knowledge.vmklog.line import Context, Finder, Line, lowercase
from knowledge.vmklog.origin import inferred_origin
from knowledge.vmklog.scan import ENGINES, Engine, required_text, scanner
from knowledge.vmklog.stream import Progress, decode_stream
from tests.knowledge.vmklog.test_stream import LOG_LIKE
from tests.knowledge.vmklog.test_stream import SAMPLES as LOG

SAMPLES = [
    line
    for line in Path(__file__).with_name("vmkernel_log_samples.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
FRAGMENTS = [
    *("esx.problem.storage.apd.start", "vob.scsi.scsipath.por", "event.", ".fullFormat", "[", "] "),
    *("0xbad0006", "H:0x0 D:0x2 P:0x0", "NVMe status: 0x281", "naa.514f0c5ec2000008", " ", "status = ", "Timeout", "×"),
]
SHAPES = [
    "2025-01-15T02:10:09.002Z In(14) vobd[2098532]:  [APDCorrelator] 1us: [esx.problem.storage.apd.start] Device",
    "Task Completed : Status error : vim.fault.FileLocked (vmodl.fault.HostNotReachable)",
    "<FileLockedFault xsi:type='FileLocked'> com.vmware.vim25.NoDiskSpace vim25:NotFoundFault TimedoutFaultMsg",
    "#PF Exception 14 in world 2098009:OCFlush IP 0x4200389489c4 ]Vol6_Flush@esx#nover+0x20 stack: 0xbad0004",
    "@BlueScreen: PCPU 3: no heartbeat ASSERT bora/vmkernel/main/world.c:12 ]EQOSEnable@(eqos)#<None>+0xe0 LINT1/NMI",
    "StorageApdHandler: 1204: APD start for 0x4304abcd0000 [naa.600140500000000000000000000000cc] vmnic0: Link is Up ",
    "Lost access to volume 5009333b-b7a2d1f8-fc26-e4115bb4a813 (DS01) due to connectivity issues. msg.migrate.fail",
    "The guest OS has reported an error during quiescing. The error code was: 3 vmbackup.eventSet req.error 2",
    "iscsid: discovery login to x rejected: target error (03/01) (0x2/0x01) login response status 0x0201 (02/02)",
    "login response with unknown status class 0x3, detail 0x2 status_class=2 status_detail=1",
    "Failed to log in to target. Status: Authentication failure(513) Initiator failed authentication with target ",
    "initiator failed authorization iSCSI login failed due to authorization failure detected conn error (1020)",
    "VMware ESXi 8.0.1 [Releasebuild-21813344 x86_64] [msg.vmk.status.VMK_TIMEOUT] cause of failure VMK_BUSY ",
    "HBX: 3058: 'ds-1': HB at offset 3407872 - Waiting for timed out HB: LOOP DOWN detected FCP cmd x2a failed <0/4> ",
    "Kernel reported iSCSI connection 6:0 error (1020 - ISCSI_ERR) Target returned login error of: 0201.",
]
WORDS = [*FRAGMENTS, *(word for line in SHAPES for word in re.split(r"(?<= )", line))]
LINES = st.one_of(st.sampled_from([*SAMPLES, *SHAPES]), st.lists(st.sampled_from(WORDS)).map("".join))


def signs(finder: Finder) -> list[re.Pattern[bytes]]:
    return [
        re.compile(sign.removeprefix("(?-i)").encode(), 0 if sign.startswith("(?-i)") else re.IGNORECASE)
        for sign in finder.signs(bundled())
    ]


SIGNS = [(finder, signs(finder)) for finder in FINDERS]


@given(LINES)
@settings(max_examples=400, deadline=None)
def test_each_line_with_a_finding_matches_a_sign_of_its_finder_and_each_finding_has_a_reason(text: str) -> None:
    for finder, patterns in SIGNS:
        line = Line(1, text, lowercase(text), inferred_origin(text, bundled()), bundled(), Context())
        findings = list(finder.find(line))
        assert all(finding.meaning.reason for finding in findings), finder.find.__module__
        if findings:
            assert any(pattern.search(text.encode()) for pattern in patterns), finder.find.__module__


def test_no_sign_matches_a_line_feed() -> None:
    for finder, patterns in SIGNS:
        for pattern in patterns:
            assert not pattern.search(b"\n\n"), (finder.find.__module__, pattern)


@pytest.mark.parametrize("engine", ["hyperscan", "aho-corasick"])
def test_both_engines_take_every_sign(engine: Engine) -> None:
    assert [span[:2] for span in scanner(bundled(), engine)(b"boring\nfailed: 0xbad0006\n")] == [(7, 24)]


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_each_text_that_matches_a_sign_has_the_text_that_the_sign_requires(data: st.DataObject) -> None:
    sign = data.draw(st.sampled_from([sign for finder in FINDERS for sign in finder.signs(bundled())]))
    required = required_text(sign).encode()
    matching = data.draw(st.from_regex(sign.removeprefix("(?-i)").encode(), fullmatch=True))

    assert len(required) >= 2
    assert required in matching if sign.startswith("(?-i)") else required.lower() in matching.lower()


def decoded(log: bytes, engine: Engine) -> list[Finding]:
    stream = decode_stream([log], None, bundled(), Progress(), engine=engine)
    return [finding for lines in stream for line in lines for finding in line.findings]


def selected(log: bytes, engine: Engine) -> list[tuple[int, int, frozenset[str] | None]]:
    return [(start, end, selection.signs) for start, end, selection in scanner(bundled(), engine)(log)]


def test_published_lines_have_the_same_findings_with_each_engine_and_without_one() -> None:
    for log in (LOG, *LOG.splitlines()):
        with_each = [decoded(log, engine) for engine in ENGINES]
        assert with_each == [with_each[0]] * len(ENGINES)


@given(LOG_LIKE)
@settings(max_examples=300, deadline=None)
def test_any_lines_have_the_same_findings_with_each_engine_and_without_one(log: bytes) -> None:
    with_each = [decoded(log, engine) for engine in ENGINES]

    assert with_each == [with_each[0]] * len(ENGINES)


@given(st.lists(st.one_of(LINES, LINES.map(str.upper), LINES.map(str.lower), st.text())).map("\n".join))
@settings(max_examples=300, deadline=None)
def test_both_engines_select_the_same_lines_for_the_same_signs(log: str) -> None:
    for encoded in (log.encode(errors="replace"), log.encode("latin-1", errors="replace")):
        assert selected(encoded, "aho-corasick") == selected(encoded, "hyperscan")


@given(st.lists(st.sampled_from(["vmhba1", "vmhba", "VMHBA2:", ".", " ", "xvmhba3", "é", "İ"])).map("".join))
def test_matches_at_markers_are_those_that_a_search_of_the_whole_line_finds(text: str) -> None:
    pattern = re.compile(r"(?<![\w.])vmhba\d(?:: ?vmhba\d)?", re.IGNORECASE)
    line = Line(1, text, lowercase(text), inferred_origin(text, bundled()), bundled(), Context())

    spans = [found.span() for found in line.matches(pattern, "vmhba")]

    assert spans == [found.span() for found in pattern.finditer(text)]


@pytest.mark.parametrize("engine", ["hyperscan", "aho-corasick"])
def test_dull_lines_are_not_selected(engine: Engine) -> None:
    dull = b"2024-05-01T00:00:00.123Z cpu1:2)NetPort: 1580: disabled port 0x20000, vSwitch0 is up at 10000 Mbps\n"
    assert list(scanner(bundled(), engine)(dull * 100)) == []


def test_a_lookup_of_a_code_does_not_load_hyperscan() -> None:
    code = (
        "import sys, vmkops.__main__ as vmkops; vmkops.main(['vmkerr', '0xbad0006']); print('hyperscan' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == b"False"


def test_a_log_is_decoded_where_an_engine_is_not_installed() -> None:
    log = Path(__file__).with_name("vmkernel_log_samples.txt")

    def output(*missing: str) -> bytes:
        code = (
            f"import sys; sys.modules.update(dict.fromkeys({missing}))\n"
            f"import vmkops.__main__ as vmkops; vmkops.main(['decode', '--json', {str(log)!r}])"
        )
        return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120, check=True).stdout

    assert output()
    assert output("hyperscan") == output()
    assert output("hyperscan", "ahocorasick_rs") == output()


def test_several_threads_can_scan_at_the_same_time() -> None:
    """A thread keeps the scan busy for so long that the others meet it there."""
    select = scanner(bundled())
    block = "\n".join(SHAPES).encode() * 2000
    with ThreadPoolExecutor(8) as threads:
        selected = list(threads.map(lambda _: list(select(block)), range(16)))

    assert all(lines == selected[0] for lines in selected)
