"""Support bundles and other archives are decoded as streams, whatever is in them."""

from __future__ import annotations

import gzip
import lzma
import tarfile
import tracemalloc

import pytest
import zstandard

from knowledge.loginput.archive import shown_name
from knowledge.loginput.bundle import is_log
from knowledge.loginput.looked_at import NotText
from knowledge.loginput.source import Source
from knowledge.loginput.unpacking import Limits
from tests.knowledge.loginput.archives import BUNDLE, LOG, ROOT, VERSION, special, tar, zipped
from tests.knowledge.loginput.inputs import Outcome, outcome, piped

PACKED = {"tgz": gzip.compress, "tar": bytes, "tar.xz": lzma.compress, "tar.zst": zstandard.compress}


def meanings(found: Outcome) -> list[str]:
    return [match.description for finding in found.findings for match in finding.meaning.matches]


@pytest.mark.parametrize("kind", PACKED)
def test_the_logs_of_a_bundle_mean_what_the_codes_of_its_host_mean(kind: str) -> None:
    found = outcome(PACKED[kind](tar(BUNDLE)))
    assert meanings(found) == ["Meaning of this host"] * 3
    assert [name.removeprefix(ROOT) for name in found.files] == [
        "var/run/log/vmkernel.log", "var/log/hostd.log", "vmfs/volumes/ds1/web-01/vmware-3.log",
    ]  # fmt: skip
    assert [finding.line for finding in found.findings] == [1, 2, 1]
    assert {finding.meaning.release for finding in found.findings} == {"VMware ESXi 6.7.0 build-8169922"}
    assert (found.looked.files, found.looked.lines, found.looked.problems) == (3, 4, [])
    assert "vm-support bundle of VMware ESXi 6.7.0 build-8169922" in found.looked.formats
    assert found.looked.bytes == len(PACKED[kind](tar(BUNDLE)))


def test_a_bundle_without_a_listing_uses_the_tables_of_its_release() -> None:
    files = {name: content for name, content in BUNDLE.items() if "vmkerrcode" not in name}
    assert meanings(outcome(tar(files))) == ["Read only"] * 3
    old = {**files, f"{ROOT}commands/vmware_-vl.txt": b"VMware ESX Server 3.5.0 build-64607\n"}
    assert meanings(outcome(tar(old))) == ["SCSI reservation conflict"] * 3


@pytest.mark.parametrize(
    ("listing", "reason"),
    [
        (
            b"VMK_OK 0 0 OK x\nVMK_A 195887105 0xbad0002 EIO x\n",
            "(line 2: 195887105 and 0xbad0002 are not the same number)",
        ),
        (b"VMK_A 1 2 EIO x\nVMK_B\n", "found 'VMK_A 1 2 EIO x'; bad rows: 2)"),
        (b"vmkerrcode: not found\n", "(it has no codes)"),
    ],
)
def test_a_table_of_the_bundle_that_cannot_be_read_is_reported_with_its_first_bad_row(
    listing: bytes, reason: str
) -> None:
    found = outcome(tar({**BUNDLE, f"{ROOT}commands/vmkerrcode_-l.txt": listing}))
    assert meanings(found) == ["Read only"] * 3
    (problem,) = found.looked.problems
    assert problem.startswith("commands/vmkerrcode_-l.txt in the bundle")
    assert reason in problem


@pytest.mark.parametrize("name", ["commands/vmware_-v.txt", "commands/vmware_-vl.txt"])
def test_the_reason_for_the_release_names_the_file_that_shows_it(name: str) -> None:
    files = {each: content for each, content in BUNDLE.items() if "/commands/" not in each}
    found = outcome(tar({**files, f"{ROOT}{name}": VERSION}))
    assert {finding.meaning.reason for finding in found.findings} == {f"{name} in the bundle shows the release"}
    piped_in = outcome(piped(tar({f"{ROOT}{name}": VERSION, **files})))
    assert f"files before {name} are decoded" in piped_in.looked.problems[-1]


def test_a_release_that_the_caller_gives_decides() -> None:
    assert meanings(outcome(tar(BUNDLE), release="3.5")) == ["SCSI reservation conflict"] * 3


def test_rotated_logs_inside_a_bundle_are_decompressed() -> None:
    rotated = {
        f"{ROOT}var/run/log/vmkernel.0.gz": gzip.compress(LOG),
        f"{ROOT}var/run/log/vmkernel.1.zst": zstandard.compress(LOG),
        **{name: content for name, content in BUNDLE.items() if "commands" in name},
    }
    found = outcome(gzip.compress(tar(rotated)))
    assert [name.rpartition("/")[2] for name in found.files] == ["vmkernel.0.gz", "vmkernel.1.zst"]
    assert meanings(found) == ["Meaning of this host"] * 2


def test_a_pipe_is_read_once_and_that_is_reported() -> None:
    commands_first = dict(reversed(BUNDLE.items()))
    found = outcome(piped(gzip.compress(tar(commands_first))))
    assert set(meanings(found)) == {"Meaning of this host"}
    assert any("The input is a pipe" in problem for problem in found.looked.problems)
    late = outcome(piped(gzip.compress(tar(BUNDLE)), 700))
    assert "Read only" in meanings(late)
    assert any("The input is a pipe" in problem for problem in late.looked.problems)


@pytest.mark.parametrize("pack", [tar, zipped])
def test_an_archive_of_another_product_is_decoded_and_named(pack: object) -> None:
    assert callable(pack)
    found = outcome(pack({"logs/a.txt": LOG, "logs/b/app.log": b"-28 (bad0081)\n", "c.bin": bytes(range(256))}))
    assert found.files == ["logs/a.txt", "logs/b/app.log"]
    assert "not the support bundle of an ESXi host" in found.looked.problems[0]
    assert found.looked.files == 2


def test_a_zip_of_logs_is_decoded_from_a_file_and_refused_from_a_pipe() -> None:
    content = zipped({"vmkernel.0.gz": gzip.compress(LOG), "vmkernel.log": LOG.decode().encode("utf-16")})
    assert outcome(content).files == ["vmkernel.0.gz", "vmkernel.log"]
    for source in (piped(content), gzip.compress(content)):
        with pytest.raises(NotText, match="ZIP archive"):
            outcome(source)


@pytest.mark.parametrize("content", [zipped({}), tar({"a.vmdk": b"x" * 100}), zipped({"a/": b""})])
def test_an_archive_without_a_log_is_never_an_all_clear(content: bytes) -> None:
    with pytest.raises(NotText, match="no log in it"):
        outcome(content)


def test_a_bundle_that_is_cut_is_decoded_up_to_the_cut() -> None:
    content = tar({f"{ROOT}var/run/log/vmkernel.log": LOG * 1000, f"{ROOT}var/run/log/hostd.log": LOG * 1000})
    found = outcome(content[: len(content) * 2 // 3])
    assert 1000 < len(found.findings) < 2000
    assert any("ends in the middle" in problem for problem in found.looked.problems)
    assert any("is cut or damaged before commands/vmware_-vl.txt" in problem for problem in found.looked.problems)
    assert not any("not the support bundle" in problem for problem in found.looked.problems)
    packed = outcome(gzip.compress(content)[:-50])
    assert packed.findings
    assert any("gzip data ends in the middle" in problem for problem in packed.looked.problems)


def test_links_and_devices_have_no_effect() -> None:
    others = [
        special("var/log/a.log", tarfile.SYMTYPE, "/etc/passwd"), special("b.log", tarfile.LNKTYPE, "/etc/passwd"),
        special("c.log", tarfile.CHRTYPE), special("d.log", tarfile.FIFOTYPE), special("e", tarfile.DIRTYPE),
    ]  # fmt: skip
    assert outcome(tar({"vmkernel.log": LOG}, others)).files == ["vmkernel.log"]


@pytest.mark.parametrize("name", ["../../etc/passwd.log", "/etc/x.log", "a\x1b[2Jb.log", "a\nb.log", "a\u202eb.log"])
def test_a_hostile_name_is_only_shown(name: str) -> None:
    (shown,) = outcome(tar({name: LOG})).files
    assert shown.isprintable()
    assert "\x1b" not in shown


def test_a_long_name_is_cut() -> None:
    assert len(shown_name("x" * 10_000)) == 200


def test_an_archive_inside_an_archive_is_named_and_not_decoded() -> None:
    inner = tar({"a.log": LOG})
    found = outcome(tar({"vmkernel.log": LOG, "inner.log": inner, "b.log": gzip.compress(inner)}))
    assert found.files == ["vmkernel.log"]
    assert sum("archive inside the archive" in problem for problem in found.looked.problems) == 2


def test_extended_headers_are_bounded() -> None:
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE):
        header = tarfile.TarInfo("x")
        header.type, header.size = kind, 4 << 30
        content = tar({"vmkernel.log": LOG})[:1024] + header.tobuf() + bytes(100_000)
        found = outcome(content)
        assert found.files == ["vmkernel.log"]
        assert any("damaged" in problem for problem in found.looked.problems)


def test_the_total_of_all_members_is_bounded() -> None:
    bombs = {f"{at}.log.gz": gzip.compress(LOG + bytes(9_000_000)) for at in range(20)}
    for content in (tar(bombs), zipped(bombs)):
        found = outcome(content, limits=Limits(total=50_000_000))
        assert 3 <= len(found.files) <= 7
        assert any("more than 50,000,000 bytes" in problem for problem in found.looked.problems)


def test_an_archive_beyond_a_limit_is_not_called_damaged() -> None:
    logs = {f"{at}.log": LOG + bytes(9_000_000) for at in range(3)}
    for content in (
        tar(logs),
        gzip.compress(tar(logs)),
        zipped(logs),
        tar({"a.log.gz": gzip.compress(bytes(9_000_000))}),
    ):
        problems = outcome(content, limits=Limits(total=5_000_000, ratio=10**6)).looked.problems

        assert any(
            "unpacks to more than 5,000,000 bytes" in problem and "--max-size" in problem for problem in problems
        )
        assert any("stopped at a limit before it found commands/vmware_-vl.txt" in problem for problem in problems)
        assert not any("damaged" in problem or "ends in the middle" in problem for problem in problems), problems


def test_a_zip_bomb_is_stopped() -> None:
    found = outcome(zipped({"a.log": LOG + bytes(60_000_000)}), limits=Limits(ratio=500))
    assert found.files == ["a.log"]
    assert any("no log" in problem for problem in found.looked.problems)


def test_an_encrypted_or_damaged_member_of_a_zip_is_named() -> None:
    content = bytearray(zipped({"a.log": LOG * 100, "b.log": LOG}))
    content[40:60] = bytes(20)
    found = outcome(bytes(content))
    assert found.files[-1] == "b.log"
    assert any("a.log cannot be read" in problem for problem in found.looked.problems)


@pytest.mark.parametrize("cut", [5, 30, 60])
def test_a_zip_that_is_cut_is_reported(cut: int) -> None:
    with pytest.raises(NotText, match="damaged"):
        outcome(zipped({"a.log": LOG})[:-cut])


def test_memory_does_not_grow_with_the_number_of_members() -> None:
    def peak(members: int) -> int:
        block = tar({"var/log/x.txt": b"boring\n"})[:1024]
        count = [members]

        def read(_: int) -> bytes:
            count[0] -= 1
            return block if count[0] >= 0 else b""

        tracemalloc.start()
        outcome(Source(read))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(3000) - peak(300) < 300_000


@pytest.mark.parametrize(
    ("name", "log"),
    [
        ("esx/var/run/log/vmkernel.log", True), ("var/run/log/vmkernel.0.gz", True), ("scratch/log/a.1.gz", True),
        ("esx/vmfs/volumes/x/web/vmware-12.log", True), ("esx/var/log/.vmsyslogd.err", True), ("vmkwarning.log", True),
        ("esx/commands/vmkerrcode_-l.txt", False), ("esx/etc/vmware/esx.conf", False), ("esx/var/log/x.json", False),
        ("esx/vmfs/volumes/x/web/web.vmx", False), ("esx/commands/vmware.log", False),
    ],
)  # fmt: skip
def test_a_log_shows_by_its_name(name: str, log: bool) -> None:
    assert is_log(name) == log
