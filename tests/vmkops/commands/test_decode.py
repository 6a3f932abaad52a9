"""`vmkops decode` as people and scripts run it: files, pipes, a log that is still being written, rubbish."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import pty
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.knowledge.loginput.archives import tar

SAMPLES = Path(__file__).parents[2] / "knowledge" / "vmklog" / "vmkernel_log_samples.txt"
LOG = b"""\
2014-11-08T03:11:09.001Z cpu5:1)boring line
2014-11-08T03:11:10.313Z cpu5:3343193)WARNING: Migrate: 269: 14 S: Failed: IO was aborted (0xbad00e0) @0x41801e280b11
2014-11-08T03:11:11.313Z cpu5:3343193)NMP: 1: naa.514f0c5ec2000008 failed H:0x8 D:0x0 P:0x0
"""
DISK = "naa.600140500000000000000000000000cc"
OUTAGE = f"""\
2025-01-15T02:10:20.002Z In(14) vobd[209]:  [esx.problem.storage.apd.start] Device with identifier [{DISK}] is down.
2025-01-15T02:12:29.000Z In(14) vobd[209]:  [esx.problem.scsi.device.state.permanentloss] Device: {DISK} is gone.
2025-01-15T02:15:01.000Z In(14) vobd[209]:  [esx.clear.storage.apd.exit] Device with identifier [{DISK}] is back.
2025-01-15T02:16:00.000Z In(182) vmkernel: cpu5:3343193)WARNING: Migrate: 269: 14 S: Failed: IO was aborted (0xbad00e0)
""".encode()


class Terminal:
    """Runs vmkops in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "VMKOPS_DATA_DIR": str(folder / "kept")}

    def run(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        finished = subprocess.run(
            [sys.executable, "-m", "vmkops", "decode", *words],
            input=stdin, capture_output=True, cwd=self.folder, env=self.environment, timeout=60,
        )  # fmt: skip
        assert b"Traceback" not in finished.stderr
        return finished


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def json_lines(output: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_lines_with_findings_are_printed_with_their_number_and_meaning(terminal: Terminal) -> None:
    finished = terminal.run(stdin=LOG)
    assert finished.returncode == 0
    lines = finished.stdout.decode().splitlines()
    assert lines[:3] == [
        f"2: {LOG.splitlines()[1].decode()}",
        "    0xbad00e0 IO was aborted (VMK_ABORTED) [transient]",
        "        ESXi 5.0 and later: the text next to the code, 'IO was aborted',"
        " is the meaning of the code in ESXi 5.0 and later.",
    ]
    third = lines.index(f"3: {LOG.splitlines()[2].decode()}")
    assert lines[third + 1].startswith("    naa.514f0c5ec2000008: An NAA identifier of 64 bits")
    assert lines[third + 2].startswith("    H:0x8 D:0x0 P:0x0 = host 0x8 RESET: Device was reset;")
    assert lines[third + 3].startswith("        next: ")


def test_a_file_and_standard_input_give_the_same(terminal: Terminal) -> None:
    from_file = terminal.run(str(SAMPLES), "--json")
    assert from_file.stdout == terminal.run("--json", stdin=SAMPLES.read_bytes()).stdout
    assert from_file.stdout == terminal.run("--json", "-", stdin=SAMPLES.read_bytes()).stdout
    assert len(from_file.stdout.splitlines()) > 50


def test_all_prints_the_other_lines_too(terminal: Terminal) -> None:
    lines = terminal.run("--all", stdin=LOG).stdout.splitlines()
    assert lines[0] == LOG.splitlines()[0]
    assert lines[1].startswith(b"2: ")


def test_json_has_one_finding_a_line_with_offsets_in_characters(terminal: Terminal) -> None:
    found = json_lines(terminal.run("--json", stdin="é “0×bad0006”\n".encode()).stdout)
    assert [(one["line"], one["start"], one["end"], one["text"]) for one in found] == [(1, 3, 12, "0×bad0006")]


def test_a_summary_counts_meanings_and_names_the_first_line(terminal: Terminal) -> None:
    finished = terminal.run("--summary", stdin=LOG * 11)
    assert b"11  0xbad00e0 IO was aborted (VMK_ABORTED)  (first in line 2)" in finished.stdout.splitlines()
    counted = json_lines(terminal.run("--summary", "--json", stdin=LOG * 11).stdout)
    assert [(one["count"], one["first_line"]) for one in counted if "summary" in one] == [(11, 2), (11, 3), (11, 3)]


def test_a_summary_begins_with_what_happened_to_each_subject_and_a_paragraph_for_the_incident(
    terminal: Terminal,
) -> None:
    table, incident, counts = terminal.run("--summary", stdin=OUTAGE).stdout.decode().split("\n\n")
    assert [line.split() for line in table.splitlines()] == [
        ["class", "lines", "a", "minute", "first", "last", "subject"],
        ["PDL", "(1)", "3", "1", "2025-01-15", "02:10:20", "UTC", "02:15:01", "UTC", "device", DISK],
        ["also", "APD", "1,", "transient", "1"],
        ["APD", "02:10:20", "->", "PDL", "02:12:29", "->", "recovered", "02:15:01"],
        [
            "transient",
            "1",
            "1",
            "2025-01-15",
            *["02:16:00", "UTC"],
            *["02:16:00", "UTC"],
            *["this", "host"],
        ],
    ]
    assert incident.startswith(f"Device {DISK}: PDL at 2025-01-15 02:12:29 UTC (1 line; also APD 1, transient 1).")
    assert "Procedures: permanent-device-loss, all-paths-down" in incident
    assert "0xbad00e0 IO was aborted" in counts


def test_the_json_of_a_summary_has_a_line_for_each_subject_and_one_for_the_incident(terminal: Terminal) -> None:
    *_, disk, vmotion, incident = json_lines(terminal.run("--summary", "--json", stdin=OUTAGE).stdout)
    assert (disk["subject"], disk["kind"], disk["class"], disk["count"]) == (DISK, "device", "PDL", 3)
    assert disk["states"] == [
        {"state": "APD", "at": "2025-01-15T02:10:20Z", "file": "", "line": 1},
        {"state": "PDL", "at": "2025-01-15T02:12:29Z", "file": "", "line": 2},
        {"state": "recovered", "at": "2025-01-15T02:15:01Z", "file": "", "line": 3},
    ]
    assert (vmotion["kind"], vmotion["subject"]) == ("host", "this host")
    assert str(incident["incident"]).startswith("Device")


def test_the_class_is_always_shown_but_the_next_step_and_the_pages_once_for_each_meaning(terminal: Terminal) -> None:
    lines = terminal.run(stdin=OUTAGE * 5).stdout.decode().splitlines()
    assert sum("[PDL, LUN]" in line for line in lines) == 5
    assert len([line for line in lines if line.startswith("        next: Ask the storage team")]) == 1
    assert lines.count("        page: vmkops kb show all-paths-down") == 2


def test_a_page_is_written_as_one_file(terminal: Terminal) -> None:
    (terminal.folder / "vmkernel.log").write_bytes(OUTAGE)
    written = terminal.run("--html", "page.html", "vmkernel.log")
    assert (written.returncode, written.stdout, written.stderr) == (0, b"", b"wrote page.html\n")
    page = (terminal.folder / "page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "<title>vmkernel.log" in page
    assert "0xbad00e0 IO was aborted (VMK_ABORTED)" in page
    assert terminal.run("--html=-", stdin=OUTAGE).stdout.decode().startswith("<!doctype html>")
    assert terminal.run("--html", "empty.html", stdin=b"nothing").returncode == 1


def test_a_page_does_not_replace_the_log(terminal: Terminal) -> None:
    log = terminal.folder / "vmkernel.log"
    log.write_bytes(OUTAGE)
    refused = terminal.run("--html", "./vmkernel.log", "vmkernel.log")
    assert refused.returncode == 2
    assert b"would overwrite the log" in refused.stderr
    assert log.read_bytes() == OUTAGE


def test_the_other_forms_start_without_the_template_engine() -> None:
    program = (
        "import sys; from vmkops.__main__ import main; main(['decode', '--summary']); print('jinja2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], input=OUTAGE, capture_output=True, timeout=60, check=True)
    assert done.stdout.endswith(b"False\n")


def on_a_terminal(stdin: bytes, **environment: str) -> bytes:
    """What `vmkops decode` writes when its standard output is a terminal."""
    ours, theirs = pty.openpty()
    try:
        command = [sys.executable, "-m", "vmkops", "decode"]
        settings = {**os.environ, "TERM": "xterm", **environment}
        done = subprocess.run(command, input=stdin, stdout=theirs, env=settings, timeout=60, check=False)
        assert done.returncode == 0
        os.set_blocking(ours, False)
        return os.read(ours, 1 << 16)
    finally:
        os.close(ours)
        os.close(theirs)


def test_findings_are_in_colour_on_a_terminal_and_nowhere_else(terminal: Terminal) -> None:
    line = b"2025-01-15T02:10:20Z vobd: [esx.problem.storage.apd.start] \x1b[2J 0xbad0006\n"
    coloured = on_a_terminal(line, NO_COLOR="")
    assert b"[\x1b[1;31mesx.problem.storage.apd.start\x1b[0m]" in coloured
    assert b"\x1b[2J" not in coloured
    assert b"\x1b" not in on_a_terminal(line, NO_COLOR="1")
    assert b"\x1b" not in on_a_terminal(line, NO_COLOR="", TERM="dumb")
    assert b"\x1b" not in terminal.run(stdin=line).stdout


def test_the_release_can_be_given_and_an_unknown_one_is_refused(terminal: Terminal) -> None:
    assert b"SCSI reservation conflict" in terminal.run("--release", "3.5", "--summary", stdin=b"0xbad0022").stdout
    refused = terminal.run("--release", "windows", stdin=b"")
    assert refused.returncode == 1
    assert b"esx-3.5" in refused.stderr


def test_nothing_found_is_exit_one_and_said_on_standard_error(terminal: Terminal) -> None:
    finished = terminal.run(stdin=b"a\nb")
    assert (finished.returncode, finished.stdout) == (1, b"")
    assert b"in 2 lines, 3 bytes, UTF-8." in finished.stderr


def test_a_compressed_log_and_one_in_utf_16_are_decoded(terminal: Terminal) -> None:
    plain = terminal.run("--json", stdin=LOG).stdout
    rotated = terminal.folder / "vmkernel.0.gz"
    rotated.write_bytes(gzip.compress(LOG))
    assert terminal.run("--json", rotated.name).stdout == plain
    assert terminal.run("--json", stdin=LOG.decode().encode("utf-16")).stdout == plain


def test_a_log_that_is_cut_is_reported_and_without_findings_it_is_exit_one(terminal: Terminal) -> None:
    packed = gzip.compress(LOG)
    cut = terminal.run(stdin=packed[:-4])
    assert (cut.returncode, len(cut.stdout) > 0) == (0, True)
    assert b"ends in the middle" in cut.stderr
    empty = terminal.run(stdin=packed[:15])
    assert (empty.returncode, empty.stdout) == (1, b"")
    assert b"ends in the middle" in empty.stderr


@pytest.mark.parametrize("words", [[], ["--json"], ["--summary"]])
def test_what_is_no_text_is_named_and_exit_one(terminal: Terminal, words: list[str]) -> None:
    finished = terminal.run(*words, stdin=b"\x7fELF" + bytes(1000))
    assert finished.returncode == 1
    assert b"This is not text: it is an ELF program" in finished.stdout + finished.stderr


def test_the_size_that_an_input_unpacks_to_can_be_limited(terminal: Terminal) -> None:
    finished = terminal.run("--max-size", "1MiB", "--summary", stdin=gzip.compress(LOG * 10_000))
    assert finished.returncode == 0
    assert b"more than 1 MiB. Decoding stops there." in finished.stderr
    assert terminal.run("--max-size", "large", stdin=b"").returncode == 2


@pytest.mark.parametrize(
    "words", [["--frobnicate"], ["a", "b"], ["--release"], ["--summary", "--all"], ["--html"], ["--html=x", "--json"]]
)
def test_wrong_usage_is_exit_two_with_the_mend(terminal: Terminal, words: list[str]) -> None:
    finished = terminal.run(*words)
    assert finished.returncode == 2
    assert finished.stderr.startswith(b"vmkops decode: ")
    assert finished.stderr.endswith(b" See vmkops decode --help.\n")


def test_a_missing_file_is_named(terminal: Terminal) -> None:
    finished = terminal.run("no-such.log")
    assert finished.returncode == 1
    assert finished.stderr == b"no-such.log: No such file or directory\n"


def test_binary_rubbish_around_a_code_does_not_hide_it_and_does_not_reach_the_terminal(terminal: Terminal) -> None:
    finished = terminal.run(stdin=bytes(range(256)) + b"\x1b[2J\xff 0xbad0006 \x00\xfe\n")
    assert finished.returncode == 0
    assert b"0xbad0006 Limit exceeded" in finished.stdout
    assert not set(finished.stdout.decode()) & {chr(code) for code in range(32) if code != 9 and code != 10}


def test_a_filter_answers_while_its_input_is_still_open(terminal: Terminal) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "vmkops", "decode"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=terminal.folder, env=terminal.environment,
    ) as running:  # fmt: skip
        assert running.stdin
        assert running.stdout
        running.stdin.write(b"failed: 0xbad0006\nthe next line is not whole")
        running.stdin.flush()
        assert running.stdout.readline() == b"1: failed: 0xbad0006\n"
        running.stdin.close()
        assert running.wait(timeout=60) == 0


def test_a_reader_that_has_seen_enough_is_no_error(terminal: Terminal) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "vmkops", "decode"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=terminal.folder, env=terminal.environment,
    ) as running:  # fmt: skip
        assert running.stdin
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        running.stdin.write(b"failed: 0xbad0006\n")
        running.stdin.close()
        assert running.stderr.read() == b""
        assert running.wait(timeout=60) == 0


PEAK = "import resource, sys; from vmkops.__main__ import main; status = main(['decode', *sys.argv[1:]]);\
 print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(status)"


def peak_kilobytes(blocks: Iterator[bytes], folder: Path, *words: str) -> tuple[int, bytes]:
    command = [sys.executable, "-c", PEAK, *words]
    with (
        (folder / "out").open("wb") as out,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.PIPE) as running,
    ):
        assert running.stdin
        assert running.stderr
        for block in blocks:
            running.stdin.write(block)
        running.stdin.close()
        said = running.stderr.read().splitlines()
        assert running.wait(timeout=60) == 0
    return int(said[-1]), b"\n".join(said[:-1])


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    small, _ = peak_kilobytes((LOG * 1000 for _ in range(1)), tmp_path, "--summary")
    large, _ = peak_kilobytes((LOG * 1000 for _ in range(50)), tmp_path, "--summary")
    assert large - small < 10_000


def test_memory_does_not_grow_with_a_line_and_what_is_in_it_is_found_where_it_is(tmp_path: Path) -> None:
    def line(mebibytes: int) -> Iterator[bytes]:
        yield from (b"x " * (1 << 19) for _ in range(mebibytes))
        yield b"0xbad0006\n"

    small, _ = peak_kilobytes(line(2), tmp_path, "--json")
    large, said = peak_kilobytes(line(100), tmp_path, "--json")
    assert large - small < 10_000
    assert b"1 line was longer" in said
    (found,) = json_lines((tmp_path / "out").read_bytes())
    assert (found["line"], found["start"], found["text"]) == (1, 100 << 20, "0xbad0006")


def bundle(folder: Path, size: int = 0) -> Path:
    """A support bundle with one finding, and a log of about so many bytes without any."""
    commands = {"esx/commands/vmware_-vl.txt": b"VMware ESX Server 3.5.0 build-64607\n"}
    if not size:
        path = folder / "esx.tgz"
        path.write_bytes(gzip.compress(tar({"esx/var/run/log/vmkernel.log": b"failed: 0xbad0022\n", **commands})))
        return path
    dull = b"2024-05-01T00:00:00.000Z cpu1:2)NetPort: 1580: disabled port\n" * 1000
    log, path = folder / "hostd.log", folder / "esx.tar"
    with log.open("wb") as file:
        for _ in range(size // len(dull)):
            file.write(dull)
    small = folder / "vmkernel.log"
    small.write_bytes(b"failed: 0xbad0022\n")
    version = folder / "version"
    version.write_bytes(commands["esx/commands/vmware_-vl.txt"])
    with tarfile.open(path, "w") as archive:
        archive.add(version, "esx/commands/vmware_-vl.txt")
        archive.add(small, "esx/var/run/log/vmkernel.log")
        archive.add(log, "esx/var/run/log/hostd.log")
    return path


def test_a_support_bundle_is_decoded_with_its_release_and_each_line_has_its_file(terminal: Terminal) -> None:
    path = str(bundle(terminal.folder))
    finished = terminal.run(path)
    first, below, *_ = finished.stdout.decode().splitlines()
    assert first == "esx/var/run/log/vmkernel.log:1: failed: 0xbad0022"
    assert below.startswith("    0xbad0022 SCSI reservation conflict")
    assert (finished.returncode, finished.stderr) == (0, b"")
    (found,) = json_lines(terminal.run(path, "--json").stdout)
    assert (found["file"], found["line"]) == ("esx/var/run/log/vmkernel.log", 1)
    assert b"(first in line 1 of esx/var/run/log/vmkernel.log)" in terminal.run(path, "--summary").stdout
    (counted, *_) = json_lines(terminal.run(path, "--summary", "--json").stdout)
    assert (counted["first_file"], counted["first_line"]) == ("esx/var/run/log/vmkernel.log", 1)


def test_a_bundle_from_a_pipe_is_decoded_with_a_caveat(terminal: Terminal) -> None:
    finished = terminal.run(stdin=bundle(terminal.folder).read_bytes())
    assert finished.returncode == 0
    assert b"The input is a pipe" in finished.stderr


def test_memory_does_not_grow_with_a_bundle(tmp_path: Path) -> None:
    small, _ = peak_kilobytes(iter([]), tmp_path, "--summary", str(bundle(tmp_path, 1 << 20)))
    large, _ = peak_kilobytes(iter([]), tmp_path, "--summary", str(bundle(tmp_path, 100 << 20)))
    assert large - small < 10_000


def test_a_bar_shows_progress_only_on_a_terminal(terminal: Terminal) -> None:
    path = str(bundle(terminal.folder, 20 << 20))
    assert terminal.run(path).stderr == b""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "vmkops", "decode", path]
    environment = {**terminal.environment, "TERM": "xterm"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment) as running:
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # Linux answers so when the other end is closed
            while block := os.read(ours, 4096):
                written += block
        assert running.stdout
        assert b"esx/var/run/log/vmkernel.log:1:" in running.stdout.read()
    os.close(ours)
    assert b"MB" in written
