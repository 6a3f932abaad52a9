"""A package in a folder or an OVA: its files, sizes, digests and order are checked in constant memory."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tracemalloc
from dataclasses import astuple
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.ovf import lint, lint_bytes
from knowledge.ovf.package import Archive

GIB = 1024**3
TarFormat = Literal[0, 1, 2]
RUN = "import sys; from vmkops.commands.ovf import run; sys.exit(run(sys.argv[1:]))"


def vmdk(capacity: int = 16 * GIB, size: int = 1024 * 1024) -> bytes:
    """Return the header of a stream-optimized VMDK, and zeros up to ``size``."""
    header = b"KDMV" + (3).to_bytes(4, "little") + bytes(4) + (capacity // 512).to_bytes(8, "little")
    return header.ljust(size, b"\0")


def descriptor(*, size: int = 1024 * 1024, href: str = "web01-disk1.vmdk", extra: str = "") -> bytes:
    """Return a correct descriptor with one disk file."""
    return f"""<?xml version="1.0"?>
<Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:vmw="http://www.vmware.com/schema/ovf"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
<References><File ovf:href="{href}" ovf:id="file1" ovf:size="{size}" {extra}/></References>
<DiskSection><Info/>
<Disk ovf:capacity="16" ovf:capacityAllocationUnits="byte * 2^30" ovf:diskId="d1" ovf:fileRef="file1"
  ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
<VirtualSystem ovf:id="web01"><Info/><VirtualHardwareSection><Info/>
<Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceType>6</rasd:ResourceType></Item>
<Item><rasd:HostResource>ovf:/disk/d1</rasd:HostResource><rasd:InstanceID>9</rasd:InstanceID>
  <rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
<vmw:Config vmw:key="tools.syncTimeWithHost" vmw:value="false"/>
</VirtualHardwareSection></VirtualSystem></Envelope>""".encode()


def manifest(files: dict[str, bytes], algorithm: str = "sha256") -> bytes:
    """Return the manifest of ``files`` as ovftool writes it."""
    lines = [f"{algorithm.upper()}({name})= {hashlib.new(algorithm, data).hexdigest()}" for name, data in files.items()]
    return "\n".join(lines).encode() + b"\n"


def package(**replaced: bytes) -> dict[str, bytes]:
    """Return the files of a correct package in order; ``replaced`` has other contents by suffix."""
    files = {"web01.ovf": replaced.get("ovf", descriptor()), "web01-disk1.vmdk": replaced.get("vmdk", vmdk())}
    listing = replaced.get("mf", manifest(files))
    return {"web01.ovf": files["web01.ovf"], "web01.mf": listing, "web01-disk1.vmdk": files["web01-disk1.vmdk"]}


def in_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def tar_entry(name: str, data: bytes, tar_format: TarFormat = tarfile.USTAR_FORMAT) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    return entry.tobuf(tar_format) + data + bytes(-len(data) % 512)


def as_ova(files: dict[str, bytes], tar_format: TarFormat = tarfile.USTAR_FORMAT) -> bytes:
    return b"".join(tar_entry(name, data, tar_format) for name, data in files.items()) + bytes(1024)


def rules(path: Path) -> set[str]:
    return {finding.rule for finding in lint(path)}


def ova_rules(files: dict[str, bytes]) -> set[str]:
    return {finding.rule for finding in lint_bytes(as_ova(files))}


def test_correct_package_has_no_findings_as_folder_as_descriptor_and_as_ova(tmp_path: Path) -> None:
    folder = in_folder(tmp_path, package())
    (tmp_path / "out").mkdir()
    ova = tmp_path / "out" / "web01.ova"
    ova.write_bytes(as_ova(package()))
    assert lint(folder) == ()
    assert lint(folder / "web01.ovf") == ()
    assert lint(ova) == ()


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_every_digest_of_the_standard_is_recomputed(algorithm: str) -> None:
    files = {"web01.ovf": descriptor(), "web01-disk1.vmdk": vmdk()}
    assert ova_rules(package(mf=manifest(files, algorithm))) <= {"manifest-sha1"}
    damaged = package(mf=manifest(files, algorithm), vmdk=vmdk()[:-1] + b"x")
    assert "manifest-digest" in ova_rules(damaged)


def test_wrong_digest_has_the_correct_line_as_fix() -> None:
    (finding,) = lint_bytes(as_ova(package(mf=manifest({"web01.ovf": descriptor(), "web01-disk1.vmdk": b"other"}))))
    assert finding.rule == "manifest-digest"
    assert finding.where == "web01.mf line 2"
    assert hashlib.sha256(vmdk()).hexdigest() in finding.fix


def test_sha1_is_a_warning_and_sha512_is_fine() -> None:
    files = {"web01.ovf": descriptor(), "web01-disk1.vmdk": vmdk()}
    (finding,) = lint_bytes(as_ova(package(mf=manifest(files, "sha1"))))
    assert (finding.rule, finding.severity) == ("manifest-sha1", "warning")
    assert lint_bytes(as_ova(package(mf=manifest(files, "sha512")))) == ()


RIGHT = manifest({"web01.ovf": descriptor(), "web01-disk1.vmdk": vmdk()})


@pytest.mark.parametrize(
    ("listing", "rule"),
    [
        (RIGHT.replace(b"SHA256(", b"SHA256 ("), "manifest-spelling"),
        (RIGHT.replace(b"SHA256(", b"SHA2-256("), "manifest-spelling"),
        (RIGHT.replace(b"SHA256(", b"CRC32("), "manifest-line"),
        (RIGHT + b"nonsense\n", "manifest-line"),
        (RIGHT.rstrip(b"\n")[:-2] + b"\n", "manifest-line"),
        (RIGHT.replace(b"SHA256(", b"SHA512("), "manifest-line"),
        (RIGHT + RIGHT, "manifest-line"),
        (RIGHT + b"SHA256(web01.mf)= 00\n", "manifest-lists-itself"),
        (RIGHT + b"SHA256(web01-disk2.vmdk)= 00\n", "manifest-file-missing"),
        (RIGHT + b"SHA256(../../etc/passwd)= 00\n", "manifest-outside"),
        (RIGHT.splitlines()[0] + b"\n", "manifest-unlisted"),
        (RIGHT.splitlines()[1] + b"\n", "manifest-unlisted"),
        (b"", "manifest-unlisted"),
        (b"x" * 2_000_000, "manifest-line"),
        (b"\xff\xfe\0", "manifest-line"),
    ],
)
def test_fault_of_a_manifest_is_reported_with_its_rule(listing: bytes, rule: str) -> None:
    assert rule in ova_rules(package(mf=listing))


def test_file_names_cannot_control_a_terminal() -> None:
    evil = {"a\x1b[31m.ovf": descriptor(size=5), "a\x1b[31m.mf": b"nonsense", "web01-disk1.vmdk": vmdk()}
    findings = lint_bytes(as_ova(evil))
    assert {"manifest-line", "manifest-unlisted"} <= {finding.rule for finding in findings}
    assert all("".join(astuple(finding)).isprintable() for finding in findings)


def test_missing_manifest_is_a_warning(tmp_path: Path) -> None:
    files = package()
    del files["web01.mf"]
    assert rules(in_folder(tmp_path, files)) == {"manifest-missing"}


def test_manifest_with_another_name_is_mentioned(tmp_path: Path) -> None:
    files = package()
    files["other.mf"] = files.pop("web01.mf")
    (finding,) = lint(in_folder(tmp_path, files))
    assert "other.mf" in finding.message


def test_signature_is_reported_as_unchecked(tmp_path: Path) -> None:
    assert rules(in_folder(tmp_path, package() | {"web01.cert": b"x"})) == {"signature-unchecked"}


def test_missing_disk_is_an_error(tmp_path: Path) -> None:
    folder = in_folder(tmp_path, package())
    (folder / "web01-disk1.vmdk").unlink()
    assert rules(folder) == {"file-missing", "manifest-file-missing"}


def test_descriptor_without_its_files_has_no_finding_about_them() -> None:
    assert lint_bytes(descriptor()) == ()


def test_file_of_another_size_is_an_error() -> None:
    data = descriptor(size=5)
    assert ova_rules(package(ovf=data)) == {"file-size"}


def test_disk_whose_header_has_another_capacity_is_an_error() -> None:
    assert ova_rules(package(vmdk=vmdk(32 * GIB))) == {"disk-capacity-differs"}


def test_capacity_rounded_up_to_its_unit_is_fine() -> None:
    assert ova_rules(package(vmdk=vmdk(16 * GIB - 512))) == set()


def test_disk_that_is_not_a_vmdk_is_an_error() -> None:
    assert ova_rules(package(vmdk=b"# Disk DescriptorFile".ljust(1024 * 1024))) == {"disk-not-vmdk"}


def test_escaped_file_name_is_found(tmp_path: Path) -> None:
    files = {"web01.ovf": descriptor(href="web01%20disk.vmdk"), "web01 disk.vmdk": vmdk()}
    assert rules(in_folder(tmp_path, files | {"web01.mf": manifest(files)})) == set()


def test_disk_split_into_chunks_is_checked_as_a_whole(tmp_path: Path) -> None:
    ovf = descriptor(extra='ovf:chunkSize="600000"')
    chunks = {
        "web01-disk1.vmdk.000000000": vmdk()[:600_000],
        "web01-disk1.vmdk.000000001": vmdk()[600_000:],
    }
    files = {"web01.ovf": ovf, **chunks}
    folder = in_folder(tmp_path, files | {"web01.mf": manifest(files)})
    assert rules(folder) == set()
    (folder / "web01-disk1.vmdk.000000001").unlink()
    assert rules(folder) == {"file-missing", "manifest-file-missing"}


def test_absurd_number_of_chunks_is_refused() -> None:
    assert "file-chunks" in ova_rules(package(ovf=descriptor(size=10**18, extra='ovf:chunkSize="1"')))


def test_pipe_in_place_of_a_disk_counts_as_missing_and_does_not_block(tmp_path: Path) -> None:
    folder = in_folder(tmp_path, package())
    (folder / "web01-disk1.vmdk").unlink()
    os.mkfifo(folder / "web01-disk1.vmdk")
    assert "file-missing" in rules(folder)


def test_file_outside_the_folder_is_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (tmp_path / "secret.vmdk").write_bytes(vmdk())
    files = {"web01.ovf": descriptor(href="../secret.vmdk")}
    in_folder(folder, files | {"web01.mf": manifest(files)})
    assert rules(folder) == {"href-outside"}


def test_folder_without_descriptor_and_with_two(tmp_path: Path) -> None:
    assert rules(tmp_path) == {"descriptor-missing"}
    in_folder(tmp_path, package() | {"zzz.ovf": b""})
    assert rules(tmp_path) == {"descriptor-several"}


def test_descriptor_must_come_first_in_an_ova() -> None:
    assert ova_rules(dict(reversed(package().items()))) == {"descriptor-not-first"}


def test_ova_without_or_with_two_descriptors() -> None:
    assert ova_rules({"web01.mf": b""}) == {"descriptor-missing"}
    assert ova_rules(package() | {"two.ovf": b""}) == {"descriptor-several"}


def test_entry_that_would_be_unpacked_outside_is_an_error() -> None:
    assert ova_rules(package() | {"../../x": b""}) == {"archive-path"}


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_tar_format_is_read(tar_format: TarFormat) -> None:
    assert lint_bytes(as_ova(package(), tar_format)) == ()


def test_link_in_an_ova_is_refused() -> None:
    stream = io.BytesIO(as_ova(package()))
    with tarfile.open(fileobj=stream, mode="a") as archive:
        link = tarfile.TarInfo("web01-disk2.vmdk")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/shadow"
        archive.addfile(link)
    assert [finding.rule for finding in lint_bytes(stream.getvalue())] == ["archive-entry"]


def test_same_entry_twice_is_refused() -> None:
    stream = io.BytesIO(as_ova(package()))
    with tarfile.open(fileobj=stream, mode="a") as archive:
        archive.addfile(tarfile.TarInfo("web01.ovf"))
    assert [finding.rule for finding in lint_bytes(stream.getvalue())] == ["archive-entry"]


@pytest.mark.parametrize("kept", [600, 5_000, 500_000])
def test_truncated_ova_is_an_error(kept: int) -> None:
    findings = lint_bytes(as_ova(package())[:kept])
    assert any(finding.severity == "error" for finding in findings)


def test_tar_header_that_states_gigabytes_for_itself_is_refused() -> None:
    giant = tarfile.TarInfo("x")
    giant.type = tarfile.XHDTYPE
    giant.size = 8 * GIB
    data = giant.tobuf(tarfile.GNU_FORMAT) + bytes(4096)
    assert [finding.rule for finding in lint_bytes(data)] == ["archive-unreadable"]


def test_file_named_ova_that_is_not_an_archive_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.ova").write_bytes(b"\x1f\x8b" + bytes(600))
    assert rules(tmp_path / "x.ova") == {"archive-unreadable"}


@given(data=st.data())
def test_any_damage_to_an_ova_gives_findings_or_none(data: st.DataObject) -> None:
    whole = as_ova(package(vmdk=vmdk(size=2048), ovf=descriptor(size=2048)))
    place = data.draw(st.integers(0, 8000))
    damaged = whole[:place] + data.draw(st.binary(max_size=16)) + whole[place + 16 :]
    for finding in lint_bytes(damaged):
        assert finding.rule
        assert finding.message


def test_ova_of_a_gibibyte_is_checked_in_constant_memory(tmp_path: Path) -> None:
    ova = tmp_path / "big.ova"
    disk = tarfile.TarInfo("big.vmdk")
    disk.size = GIB
    with ova.open("wb") as stream:
        stream.write(tar_entry("big.ovf", descriptor(size=GIB, href="big.vmdk")))
        stream.write(tar_entry("big.mf", b"SHA256(big.vmdk)= " + b"0" * 64 + b"\n"))
        stream.write(disk.tobuf(tarfile.USTAR_FORMAT) + vmdk(size=512))
        stream.truncate(stream.tell() - 512 + GIB + 1024)
    tracemalloc.start()
    try:
        found = rules(ova)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "manifest-digest" in found
    assert peak < 16 * 1024 * 1024


def test_command_exits_0_when_clean_1_with_findings_and_2_without_a_file(tmp_path: Path) -> None:
    folder = in_folder(tmp_path, package())

    def command(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", RUN, *argv], capture_output=True, text=True, check=False)

    clean = command("lint", str(folder))
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, "nothing to fix\n", "")
    (folder / "web01-disk1.vmdk").unlink()
    broken = command("lint", str(folder), "--json")
    assert broken.returncode == 1
    assert '"rule": "file-missing"' in broken.stdout
    absent = command("lint", str(tmp_path / "nothing.ova"))
    assert absent.returncode == 2
    assert "nothing.ova" in absent.stderr
    assert command().returncode == 2


def test_about_lists_the_advantages_of_ovf_and_how_to_make_a_package() -> None:
    done = subprocess.run([sys.executable, "-c", RUN, "about"], capture_output=True, text=True, check=True)
    for topic in ("metadata", "compression", "platform independence", "several VMs", "ovftool", "vmkops backup"):
        assert topic in done.stdout


def test_entry_of_a_negative_size_is_not_a_file() -> None:
    entry = tarfile.TarInfo("web01-disk1.vmdk")
    entry.pax_headers = {"size": "-5"}
    (finding,) = lint_bytes(tar_entry("web01.ovf", descriptor()) + entry.tobuf(tarfile.PAX_FORMAT) + bytes(1024))
    assert finding.rule == "archive-entry"


def test_content_of_an_entry_is_at_its_reported_offset() -> None:
    data = as_ova(package())
    archive = Archive(io.BytesIO(data))
    start = archive.start("web01-disk1.vmdk")
    assert data[start : start + len(vmdk())] == vmdk()
