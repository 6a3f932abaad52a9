"""Imports from a file: a complete new VM from an OVF or OVA, or none, and never from outside the import folder."""

from __future__ import annotations

import json
import os
import signal
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.actions import act, begin, checked, refused
from tests.e2e.packages.conftest import Lab
from tests.e2e.packages.ovf_builder import (
    NETWORK,
    NVME,
    SECURE_BOOT,
    archive,
    descriptor,
    entry,
    manifest,
    package,
    put,
)

Files = dict[str, bytes]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_ova_of_another_product_becomes_a_vm_with_its_bytes(lab: Lab, disk_bytes: bytes, algorithm: str) -> None:
    name = f"of-others-{algorithm}"
    put(lab.inbox / "team", {f"{name}.ova": archive(package(name, {"d.vmdk": disk_bytes}, algorithm=algorithm))})

    job = act(lab.service, "import-ovf", source=f"team/{name}.ova")

    assert job["state"] == "succeeded", job["error"]
    assert lab.vcenter.vm(name)["power_state"] == "poweredOff"
    assert lab.disks(name) == [disk_bytes]
    assert job["result"]["networks"] == {NETWORK: NETWORK}
    (file,) = job["result"]["files"]
    assert (file["name"], file["size"], file["algorithm"]) == ("d.vmdk", len(disk_bytes), algorithm)
    assert job["progress"]["done"] == job["progress"]["total"] == len(disk_bytes)
    assert lab.vcenter.count("HttpNfcLeaseComplete") == 1


def test_hardware_newer_than_the_oldest_api_version_arrives_in_the_vm(lab: Lab, disk_bytes: bytes) -> None:
    text = descriptor("newer", {"newer.vmdk": disk_bytes}, controller=NVME, config=SECURE_BOOT)
    put(lab.inbox, {"newer.ovf": text, "newer.vmdk": disk_bytes})

    job = act(lab.service, "import-ovf", source="newer.ovf")

    assert job["state"] == "succeeded", job["error"]
    found = lab.vcenter.hardware("newer")
    assert "VirtualNVMEController" in found["devices"]
    assert (found["firmware"], found["secure_boot"]) == ("efi", True)


def test_no_byte_is_sent_to_a_host_with_another_certificate_than_vcenter_knows(lab: Lab, disk_bytes: bytes) -> None:
    put(lab.inbox, package("misled", {"misled.vmdk": disk_bytes}))
    lab.vcenter.nfc(thumbprint="wrong")

    job = act(lab.service, "import-ovf", source="misled.ovf")

    assert (job["state"], job["error"]["type"]) == ("failed", "urn:vmkops:certificate-untrusted")
    assert lab.vcenter.count("HttpNfcLeaseGetManifest") == 0
    assert "misled" not in lab.names()


def test_place_and_network_can_be_chosen_and_the_preview_says_where(lab: Lab, disk_bytes: bytes) -> None:
    put(lab.inbox, package("placed", {"placed.vmdk": disk_bytes}))
    chosen = {"name": "chosen", "pool": "DC0_C0"}

    found = checked(lab.service, "import-ovf", source="placed.ovf", **chosen, networks={NETWORK: "VM Network"})
    words = [*(f"{key}={value}" for key, value in chosen.items()), f"networks={NETWORK}=VM Network"]
    done = lab.service.run("action", "import-ovf", "placed.ovf", *words, "--json")

    assert "In DC0_C0" in found["place"]["message"]
    assert "VM Network" in found["network"]["message"]
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert (job["result"]["pool"], job["result"]["networks"]) == ("DC0_C0", {NETWORK: "VM Network"})
    assert "no network 'nowhere'" in refused(lab.service, "import-ovf", source="placed.ovf", networks={"nowhere": "x"})


def test_import_never_overwrites_an_existing_vm(lab: Lab, disk_bytes: bytes) -> None:
    put(lab.inbox, package("DC0_H0_VM1", {"taken.vmdk": disk_bytes}))

    assert "never overwritten" in refused(lab.service, "import-ovf", source="DC0_H0_VM1.ovf")
    assert lab.vcenter.count("ImportVApp") == 0


def test_missing_manifest_and_a_licence_only_warn(lab: Lab, disk_bytes: bytes) -> None:
    text = descriptor("bare", {"bare.vmdk": disk_bytes}).replace(
        b"<VirtualHardwareSection>", b"<EulaSection><Info>L</Info><License>Mine.</License></EulaSection>"
        b"<VirtualHardwareSection>"
    )  # fmt: skip
    put(lab.inbox, {"bare.ovf": text, "bare.vmdk": disk_bytes})

    found = checked(lab.service, "import-ovf", source="bare.ovf")

    assert found["manifest-missing"]["severity"] == "warn"
    assert found["licence"]["severity"] == "warn"
    assert act(lab.service, "import-ovf", source="bare.ovf")["state"] == "succeeded"


@pytest.mark.parametrize("digest", ["right", "wrong", "none"])
def test_capacity_as_the_size_of_a_file_is_a_warning_where_a_digest_decides(
    lab: Lab, disk_bytes: bytes, digest: str
) -> None:
    name = f"of-govc-{digest}"
    text = descriptor(name, {f"{name}.vmdk": disk_bytes})
    text = text.replace(f'ovf:size="{len(disk_bytes)}"'.encode(), f'ovf:size="{6 << 20}"'.encode())
    files = {f"{name}.ovf": text, f"{name}.vmdk": disk_bytes}
    listed = files if digest == "right" else {**files, f"{name}.vmdk": b"another disk"}
    put(lab.inbox, files if digest == "none" else {**files, f"{name}.mf": manifest(listed)})
    assert len(disk_bytes) != 6 << 20

    if digest == "none":
        assert "the descriptor states" in refused(lab.service, "import-ovf", source=f"{name}.ovf")
        return
    found = checked(lab.service, "import-ovf", source=f"{name}.ovf")
    job = act(lab.service, "import-ovf", source=f"{name}.ovf")

    assert found["file-size"]["severity"] == "warn"
    if digest == "wrong":
        assert job["error"]["type"] == "urn:vmkops:package-damaged"
        return
    assert job["state"] == "succeeded", job["error"]
    assert lab.disks(name) == [disk_bytes]


@pytest.mark.parametrize("form", ["ovf", "ova"])
def test_disk_with_a_wrong_checksum_leaves_no_vm(lab: Lab, disk_bytes: bytes, form: str) -> None:
    before = lab.names()
    files = package("wrong", {"wrong.vmdk": disk_bytes})
    files["wrong.vmdk"] = disk_bytes[:-1] + bytes([disk_bytes[-1] ^ 1])
    put(lab.inbox, files if form == "ovf" else {"wrong.ova": archive(files)})

    job = act(lab.service, "import-ovf", source=f"wrong.{form}")

    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:package-damaged"
    assert "It was not sent completely" in job["error"]["detail"]
    assert lab.vcenter.count("HttpNfcLeaseAbort") == 1
    assert lab.names() == before


@pytest.mark.parametrize(
    "source",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "a/../../x.ovf",
        "exports/../imports/x.ovf",
        "exports/../../x",
        "..\\x.ovf",
        "x\x00.ovf",
        "file:///etc/passwd",
        "ftp://example.com/x.ova",
        ".",
        "exports",
        "team",
        "pipe.ovf",
        "link.ovf",
        "linked/inside.ovf",
        "nothing.ova",
    ],
)
def test_path_that_leads_elsewhere_is_refused(lab: Lab, disk_bytes: bytes, source: str) -> None:
    outside = lab.service.data_dir / "outside"
    put(outside, package("inside", {"inside.vmdk": disk_bytes}))
    put(lab.inbox / "team", {})
    for link, to in (("link.ovf", outside / "inside.ovf"), ("linked", outside)):
        if not (lab.inbox / link).is_symlink():
            (lab.inbox / link).symlink_to(to)
    if not (lab.inbox / "pipe.ovf").is_fifo():
        os.mkfifo(lab.inbox / "pipe.ovf")

    assert refused(lab.service, "import-ovf", source=source)
    assert lab.vcenter.count("CreateImportSpec") == 0


def changed(**of: Any) -> Callable[[bytes], Files]:
    """Builds files from a disk: a package `bad` with a changed descriptor, or an archive instead."""

    def make(disk: bytes) -> Files:
        text = descriptor("bad", {"bad.vmdk": disk}, extra=of.get("extra", ""))
        for old, new in of.get("replace", {}).items():
            text = text.replace(old, new)
        return {"bad.ovf": text, "bad.vmdk": disk}

    return make


def packed(order: Callable[[Files], bytes]) -> Callable[[bytes], Files]:
    return lambda disk: {"bad.ova": order(package("bad", {"bad.vmdk": disk}))}


def with_entry(kind: bytes, name: str, to: str = "") -> Callable[[bytes], Files]:
    return packed(lambda files: archive(files, entry(name, kind=kind, link=to)))


def sparse(files: Files) -> bytes:
    """An entry that claims to be a terabyte of holes."""
    about = tarfile.TarInfo("bomb.vmdk")
    holes = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,0", "GNU.sparse.size": str(1 << 40)}
    about.pax_headers = {**holes, "GNU.sparse.numblocks": "1", "GNU.sparse.name": "bomb.vmdk"}
    return archive(files, about.tobuf(tarfile.PAX_FORMAT))


def bomb(files: Files) -> bytes:
    """A header that claims four exabytes behind it."""
    about = tarfile.TarInfo("bomb.vmdk")
    about.size = 1 << 62
    return archive(files, about.tobuf(tarfile.GNU_FORMAT))


FILE = '<File ovf:href="{}" ovf:id="more" ovf:size="1"/>'
BAD: dict[str, tuple[Callable[[bytes], Files], str]] = {
    "href climbs": (changed(extra=FILE.format("../../../etc/passwd")), "is outside the package"),
    "href climbs, escaped": (changed(extra=FILE.format("..%2f..%2fetc%2fpasswd")), "is outside the package"),
    "href is absolute": (changed(extra=FILE.format("/etc/passwd")), "is outside the package"),
    "href is a file URL": (changed(extra=FILE.format("file:///etc/passwd")), "is outside the package"),
    "href is remote": (changed(extra=FILE.format("https://169.254.169.254/x")), "fetched from another place"),
    "href in a folder": (changed(extra=FILE.format("sub/x.vmdk")), "not beside the descriptor"),
    "href is a link": (changed(extra=FILE.format("link.ovf")), "is not in the package"),
    "missing file": (changed(extra=FILE.format("absent.vmdk")), "is not in the package"),
    "size differs": (changed(replace={b'ovf:size="': b'ovf:size="1'}), "the descriptor states 1"),
    "compressed file": (changed(replace={b"<File ": b'<File ovf:compression="gzip" '}), "is compressed"),
    "file in pieces": (changed(replace={b"<File ": b'<File ovf:chunkSize="5" '}), "split into chunks"),
    "two VMs": (
        changed(replace={b"</Envelope>": b'<VirtualSystem ovf:id="b"/></Envelope>'}),
        "describes 2 VMs",
    ),
    "entity bomb": (changed(replace={b"?>\n": b'?>\n<!DOCTYPE x [<!ENTITY a "b">]>\n'}), "document type"),
    "no OVF": (lambda disk: {"bad.ovf": b"<html/>"}, "is not an OVF descriptor"),
    "name climbs": (changed(replace={b"<Name>bad<": b"<Name>../../etc<"}), "cannot be a VM's name"),
    "descriptor was changed": (
        lambda disk: {**package("bad", {"bad.vmdk": disk}), "bad.ovf": descriptor("bad2", {"bad.vmdk": disk})},
        "was changed",
    ),
    "manifest is no manifest": (lambda disk: {**changed()(disk), "bad.mf": b"hello\n"}, "does not have the format"),
    "manifest lists a missing file": (
        lambda disk: {**changed()(disk), "bad.mf": manifest({"absent": b""})},
        "not in the package",
    ),
    "digest of impossible length": (
        lambda disk: {**changed()(disk), "bad.mf": b"SHA256(bad.vmdk)= 0123456789abcdef\n"},
        "has 16 hexadecimal digits; SHA256 has 64",
    ),
    "no tar": (lambda disk: {"bad.ova": disk}, "is not a tar archive"),
    "gzip": (lambda disk: {"bad.ova": b"\x1f\x8b" + disk}, "compressed with gzip"),
    "cut short": (packed(lambda files: archive(files)[:-400_000]), "damaged or truncated"),
    "descriptor not first": (packed(lambda files: archive(dict(reversed(files.items())))), "has to come first"),
    "entry climbs": (with_entry(tarfile.REGTYPE, "../../etc/passwd"), "leads out of the archive"),
    "entry is absolute": (with_entry(tarfile.REGTYPE, "/etc/passwd"), "leads out of the archive"),
    "symbolic link": (with_entry(tarfile.SYMTYPE, "x", "/etc/passwd"), "not a regular file"),
    "hard link": (with_entry(tarfile.LNKTYPE, "x", "bad.ovf"), "not a regular file"),
    "device": (with_entry(tarfile.CHRTYPE, "x"), "not a regular file"),
    "sparse entry": (packed(sparse), "not a regular file"),
    "size beyond the archive": (packed(bomb), "damaged or truncated"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_package_is_refused_before_anything_changes(lab: Lab, disk_bytes: bytes, what: str) -> None:
    make, words = BAD[what]
    for old in lab.inbox.glob("bad.*"):
        old.unlink()
    files = make(disk_bytes)
    put(lab.inbox, files)

    assert words in refused(lab.service, "import-ovf", source=next(iter(files)))
    assert lab.vcenter.count("CreateImportSpec") == 0


@pytest.mark.parametrize("name", ["../../etc", "a/b", "a\\b", "..", "a%2fb", "a\nb", "x" * 81])
def test_name_that_is_a_path_is_refused(lab: Lab, disk_bytes: bytes, name: str) -> None:
    put(lab.inbox, package("good", {"good.vmdk": disk_bytes}))

    assert "name" in refused(lab.service, "import-ovf", source="good.ovf", name=name)


def test_cancel_in_the_middle_leaves_no_vm(lab: Lab, disk_bytes: bytes) -> None:
    before = lab.names()
    put(lab.inbox, package("cancelled", {"cancelled.vmdk": disk_bytes}))
    lab.vcenter.nfc(bytes_per_second=2_000_000)
    job_id = begin(lab.service, "import-ovf", source="cancelled.ovf")
    lab.service.reading(job_id)

    lab.service.call("POST", f"/jobs/{job_id}/cancel")

    assert lab.service.ended(job_id)["state"] == "cancelled"
    assert lab.vcenter.count("HttpNfcLeaseAbort") == 1
    assert lab.names() == before


def test_kill_in_the_middle_leaves_one_vm(lab: Lab, disk_bytes: bytes) -> None:
    before = lab.names()
    put(lab.inbox, {"killed.ova": archive(package("killed", {"killed.vmdk": disk_bytes}))})
    lab.vcenter.nfc(bytes_per_second=2_000_000)
    job_id = begin(lab.service, "import-ovf", source="killed.ova")
    lab.service.reading(job_id)

    lab.service.kill(signal.SIGKILL)
    lab.vcenter.reset_nfc()
    lab.service.start()

    job = lab.service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert lab.names() - before == {"killed"}
    assert lab.disks("killed") == [disk_bytes]
