"""An OVF descriptor or an OVA linted over HTTP."""

from __future__ import annotations

import hashlib
import io
import tarfile
import urllib.request

import pytest

from tests.running_service import RunningService

DESCRIPTOR = b"""<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
<References><File ovf:id="file1" ovf:href="disk.vmdk"/></References>
<DiskSection><Info/><Disk ovf:diskId="disk1" ovf:fileRef="file1" ovf:capacity="512"
  ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
<VirtualSystem ovf:id="web-01"><Info/><VirtualHardwareSection><Info/>
<Item><rasd:ElementName>IDE 0</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID>
  <rasd:ResourceType>5</rasd:ResourceType></Item>
<Item><rasd:ElementName>Disk</rasd:ElementName><rasd:HostResource>ovf:/disk/disk1</rasd:HostResource>
  <rasd:InstanceID>2</rasd:InstanceID><rasd:Parent>1</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
</VirtualHardwareSection></VirtualSystem>
</Envelope>
"""


def ova(**files: bytes) -> bytes:
    """A tar archive of these files; `_` in a name stands for a dot."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("_", "."))
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


@pytest.mark.parametrize("media", ["text/xml", "text/plain", "application/xml", "application/octet-stream"])
def test_descriptor_is_linted_however_it_is_sent(plain_service: RunningService, media: str) -> None:
    status, answer = plain_service.send("/ovf/lint", DESCRIPTOR, media)

    assert (status, answer["valid"]) == (200, True)
    ide = next(finding for finding in answer["findings"] if finding["rule"] == "disk-on-ide")
    assert (ide["severity"], ide["where"]) == ("warning", "line 10 ('Disk')")
    assert "SCSI" in ide["fix"]


def test_a_vmx_is_named_with_the_call_that_checks_it(plain_service: RunningService) -> None:
    _, answer = plain_service.send("/ovf/lint", b'displayName = "web"\nmemSize = "4096"\n', "text/plain")
    (finding,) = answer["findings"]
    assert (finding["rule"], answer["valid"]) == ("not-an-ovf", False)
    assert "POST /vmx/lint" in finding["fix"]


def test_text_in_json_is_linted_alike(plain_service: RunningService) -> None:
    sent = plain_service.send("/ovf/lint", DESCRIPTOR, "text/xml")

    assert plain_service.call("POST", "/ovf/lint", {"text": DESCRIPTOR.decode()}, token="") == sent


@pytest.mark.parametrize("media", ["application/x-tar", "application/octet-stream"])
def test_ova_is_checked_with_its_files_and_manifest(plain_service: RunningService, media: str) -> None:
    disk = b"not a VMDK"
    manifest = f"SHA256(x.ovf)= {hashlib.sha256(DESCRIPTOR).hexdigest()}\nSHA256(disk.vmdk)= {'0' * 64}\n"
    status, answer = plain_service.send(
        "/ovf/lint", ova(x_ovf=DESCRIPTOR, x_mf=manifest.encode(), disk_vmdk=disk), media
    )

    assert (status, answer["valid"]) == (200, False)
    (digest,) = [finding for finding in answer["findings"] if finding["rule"] == "manifest-digest"]
    assert hashlib.sha256(disk).hexdigest() in digest["fix"]


def test_archive_that_would_be_unpacked_outside_is_called_out(plain_service: RunningService) -> None:
    archive = ova(**{"x_ovf": DESCRIPTOR, "/etc/passwd": b""})
    _, answer = plain_service.send("/ovf/lint", archive, "application/x-tar")

    assert "archive-path" in {finding["rule"] for finding in answer["findings"]}


@pytest.mark.parametrize(
    ("descriptor", "rule"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><Envelope>&b;</Envelope>', "xml-doctype"),
        (b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Envelope>&a;</Envelope>', "xml-doctype"),
        (b"<a>" * 100_000, "xml-too-deep"),
        (b"<Envelope>" + b"<a/>" * 300_000, "xml-too-large"),
        (b" " * 5_000_000, "xml-too-large"),
        (b"<html></html>", "not-an-ovf"),
        (b"\0\xff", "xml-malformed"),
        (b"", "xml-malformed"),
    ],
)
def test_hostile_xml_is_a_finding_and_never_read(plain_service: RunningService, descriptor: bytes, rule: str) -> None:
    status, answer = plain_service.send("/ovf/lint", descriptor, "text/xml")

    assert (status, answer["valid"]) == (200, False)
    assert [finding["rule"] for finding in answer["findings"]] == [rule]


def test_larger_body_than_the_service_takes_is_413(plain_service: RunningService) -> None:
    assert plain_service.send("/ovf/lint", bytes(17 << 20), "application/octet-stream")[0] == 413


def test_what_ovf_gives_how_to_make_one_and_the_practices(plain_service: RunningService) -> None:
    _, answer = plain_service.call("GET", "/ovf", token="")

    assert "several VMs" in {fact["topic"] for fact in answer["gains"]}
    assert any("vmkops backup VM" in fact["commands"] for fact in answer["ways"])
    assert "virtual SCSI" in {fact["topic"] for fact in answer["practices"]}
    with urllib.request.urlopen(plain_service.url + "/ovf?format=html", timeout=60) as page:
        assert "Best practices" in page.read().decode()
