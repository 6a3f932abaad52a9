"""A descriptor alone: best practices for appliances, references with a target, and XML that is safe to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.finding import PER_RULE, Finding
from knowledge.ovf import lint_bytes

CONTROLLER = """
  <Item><rasd:Address>0</rasd:Address><rasd:ElementName>SCSI controller 0</rasd:ElementName>
    <rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>lsilogic</rasd:ResourceSubType>
    <rasd:ResourceType>6</rasd:ResourceType></Item>"""
IDE = """
  <Item><rasd:ElementName>IDE 0</rasd:ElementName><rasd:InstanceID>5</rasd:InstanceID>
    <rasd:ResourceType>5</rasd:ResourceType></Item>"""
DISK = """
  <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>Hard disk 1</rasd:ElementName>
    <rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>9</rasd:InstanceID>
    <rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>"""
NETWORK_CARD = """
  <Item><rasd:AutomaticAllocation>true</rasd:AutomaticAllocation><rasd:Connection>VM Network</rasd:Connection>
    <rasd:InstanceID>11</rasd:InstanceID><rasd:ResourceType>10</rasd:ResourceType></Item>"""
TOOLS = '<vmw:Config ovf:required="false" vmw:key="tools.syncTimeWithHost" vmw:value="false"/>'
FILES = '<File ovf:href="disk1.vmdk" ovf:id="file1" ovf:size="1048576"/>'
DISKS = (
    '<Disk ovf:capacity="16" ovf:capacityAllocationUnits="byte * 2^30" ovf:diskId="vmdisk1" ovf:fileRef="file1"'
    ' ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>'
)


def descriptor(
    devices: str = CONTROLLER + DISK + NETWORK_CARD,
    *,
    files: str = FILES,
    disks: str = DISKS,
    settings: str = TOOLS,
) -> bytes:
    """Return a descriptor as vSphere exports it, without findings unless a part is replaced."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vmw="http://www.vmware.com/schema/ovf">
<References>{files}</References>
<DiskSection><Info>Disks</Info>{disks}</DiskSection>
<NetworkSection><Info>Networks</Info><Network ovf:name="VM Network"/></NetworkSection>
<VirtualSystem ovf:id="web01"><Info>A VM</Info><Name>web01</Name>
<VirtualHardwareSection><Info>Hardware</Info>{devices}{settings}</VirtualHardwareSection>
</VirtualSystem></Envelope>""".encode()


def drive(kind: int, allocation: str = "", backing: str = "") -> str:
    """Return the Item of a CD-ROM (15) or floppy (14) drive."""
    return (
        f"<Item>{allocation}<rasd:ElementName>Drive</rasd:ElementName>{backing}"
        f"<rasd:InstanceID>8</rasd:InstanceID><rasd:ResourceType>{kind}</rasd:ResourceType></Item>"
    )


CONNECTED = "<rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>"
DISCONNECTED = "<rasd:AutomaticAllocation>false</rasd:AutomaticAllocation>"


def found(data: bytes) -> dict[str, Finding]:
    return {finding.rule: finding for finding in lint_bytes(data)}


def test_correct_descriptor_has_no_findings() -> None:
    assert lint_bytes(descriptor()) == ()


def test_finding_has_its_place_and_a_fix() -> None:
    finding = found(descriptor(CONTROLLER + IDE + DISK.replace("<rasd:Parent>3", "<rasd:Parent>5")))["disk-on-ide"]
    assert finding.severity == "warning"
    assert "Hard disk 1" in finding.where
    assert finding.where.startswith("line ")
    assert "SCSI" in finding.fix


@pytest.mark.parametrize(("kind", "rule"), [(14, "floppy-connected"), (15, "cdrom-connected"), (16, "cdrom-connected")])
def test_connected_drive_is_a_warning(kind: int, rule: str) -> None:
    assert found(descriptor(CONTROLLER + DISK + drive(kind, CONNECTED)))[rule].severity == "warning"


@pytest.mark.parametrize("kind", [14, 15, 16])
def test_disconnected_drive_is_fine(kind: int) -> None:
    assert lint_bytes(descriptor(CONTROLLER + DISK + drive(kind, DISCONNECTED))) == ()


def test_drive_without_a_stated_connection_is_an_info() -> None:
    assert found(descriptor(CONTROLLER + DISK + drive(15)))["cdrom-connection-unsaid"].severity == "info"


@pytest.mark.parametrize("connected", [CONNECTED, DISCONNECTED])
def test_iso_of_the_package_in_the_drive_is_an_info(connected: str) -> None:
    backing = "<rasd:HostResource>ovf:/file/file2</rasd:HostResource>"
    data = descriptor(
        CONTROLLER + DISK + drive(15, connected, backing),
        files=FILES + '<File ovf:href="tools.iso" ovf:id="file2"/>',
    )
    assert {rule: finding.severity for rule, finding in found(data).items()} == {"cdrom-media": "info"}


def test_medium_of_the_old_host_in_the_drive_is_a_warning() -> None:
    backing = "<rasd:HostResource>/dev/cdrom</rasd:HostResource>"
    findings = found(descriptor(CONTROLLER + DISK + drive(15, CONNECTED, backing)))
    assert {finding.severity for finding in findings.values()} == {"warning"}
    assert set(findings) == {"cdrom-media", "cdrom-connected"}


def test_missing_sign_of_tools_is_an_info() -> None:
    assert found(descriptor(settings=""))["tools-unsaid"].severity == "info"


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (descriptor(CONTROLLER), "vm-without-disk"),
        (descriptor(DISK.replace("<rasd:Parent>3</rasd:Parent>", "")), "disk-without-controller"),
        (descriptor(DISK), "parent-unknown"),
        (descriptor(CONTROLLER + DISK + DISK), "instance-id"),
        (descriptor(CONTROLLER + DISK + DISK.replace("ID>9", "ID>10")), "address-taken"),
        (descriptor(CONTROLLER + DISK.replace("/vmdisk1", "/vmdisk7")), "disk-unknown"),
        (descriptor(CONTROLLER + DISK.replace("/vmdisk1", "/vmdisk7")), "disk-unused"),
        (descriptor(CONTROLLER + DISK + NETWORK_CARD.replace("VM Network", "DMZ")), "network-unknown"),
        (
            descriptor(CONTROLLER + DISK + drive(15, backing="<rasd:HostResource>/file/f9</rasd:HostResource>")),
            "file-unknown",
        ),
        (descriptor(files=""), "disk-file-unknown"),
        (descriptor(files=FILES + '<File ovf:href="x" ovf:id="file1"/>'), "file-id-twice"),
        (descriptor(files=FILES + '<File ovf:href="x"/>'), "file-id-twice"),
        (descriptor(files=FILES + '<File ovf:id="file3"/>'), "href-missing"),
        (descriptor(files=FILES + '<File ovf:href="https://example.com/x" ovf:id="f3"/>'), "href-remote"),
        (descriptor(disks=DISKS + DISKS), "disk-id-twice"),
        (descriptor(disks=DISKS.replace('ovf:capacity="16"', "")), "disk-capacity"),
        (descriptor(disks=DISKS.replace('"16"', '"sixteen"')), "disk-capacity"),
        (descriptor(disks=DISKS.replace("ovf:diskId", 'ovf:populatedSize="99999999999" ovf:diskId')), "disk-populated"),
        (descriptor(disks=DISKS.replace("ovf:fileRef", 'ovf:parentRef="base" ovf:fileRef')), "disk-parent-unknown"),
        (b"<Envelope/>", "no-vm"),
        (b"<html/>", "not-an-ovf"),
    ],
)
def test_fault_is_reported_with_its_rule(data: bytes, rule: str) -> None:
    assert rule in found(data)


@pytest.mark.parametrize(
    "href",
    [
        "/etc/passwd",
        "../disk.vmdk",
        "a/../../disk.vmdk",
        "..\\disk.vmdk",
        "%2e%2e/disk.vmdk",
        "%252e%252e/disk.vmdk",
        "C:\\disk.vmdk",
        "file:///etc/passwd",
        "\\\\server\\share\\disk.vmdk",
    ],
)
def test_href_outside_the_package_is_an_error(href: str) -> None:
    data = descriptor(files=FILES.replace("disk1.vmdk", href))
    assert found(data)["href-outside"].severity == "error"


def test_capacity_from_a_property_is_fine() -> None:
    assert lint_bytes(descriptor(disks=DISKS.replace('"16"', '"${disk.size}"'))) == ()


def test_disk_that_others_are_based_on_is_in_use() -> None:
    base = '<Disk ovf:capacity="16" ovf:diskId="base"/>'
    child = DISKS.replace("ovf:fileRef", 'ovf:parentRef="base" ovf:fileRef')
    assert lint_bytes(descriptor(disks=base + child)) == ()


def test_namespace_with_a_blank_in_it_is_read() -> None:
    assert lint_bytes(descriptor().replace(b'"http://www.vmware.com/schema/ovf"', b'"a b"')) == ()


def test_start_order_of_several_vms_is_not_hardware() -> None:
    order = '<StartupSection><Info>Order</Info><Item ovf:id="web01" ovf:order="1"/></StartupSection>'
    data = descriptor().replace(b"<VirtualSystem ", f"<VirtualSystemCollection><Info/>{order}<VirtualSystem ".encode())
    assert lint_bytes(data.replace(b"</Envelope>", b"</VirtualSystemCollection></Envelope>")) == ()


def test_items_that_state_a_range_are_not_devices() -> None:
    bound = NETWORK_CARD.replace("<Item>", '<Item ovf:bound="max">')
    assert lint_bytes(descriptor(CONTROLLER + DISK + NETWORK_CARD + bound)) == ()


def test_packages_of_the_first_ovf_version_are_read() -> None:
    data = f"""<ovf:Envelope ovf:version="0.9" xmlns:ovf="http://www.vmware.com/schema/ovf/1/envelope"
      xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:rasd="urn:rasd">
    <References>{FILES}</References>
    <Section xsi:type="ovf:DiskSection_Type"><Info/>
      <Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:capacity="8589934592"
        ovf:format="http://www.vmware.com/specifications/vmdk.html#sparse"/></Section>
    <Content xsi:type="ovf:VirtualSystem_Type" ovf:id="web01"><Info/>
    <Section xsi:type="ovf:VirtualHardwareSection_Type"><Info/>
      <Item><rasd:Caption>IDE 0</rasd:Caption><rasd:InstanceId>3</rasd:InstanceId>
        <rasd:ResourceType>5</rasd:ResourceType></Item>
      <Item><rasd:Caption>Disk</rasd:Caption><rasd:InstanceId>4</rasd:InstanceId>
        <rasd:ResourceType>17</rasd:ResourceType><rasd:HostResource>disk/vmdisk1</rasd:HostResource>
        <rasd:Parent>3</rasd:Parent></Item>
    </Section></Content></ovf:Envelope>""".encode()
    assert set(found(data)) == {"disk-on-ide", "tools-unsaid"}


BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">
<!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;"><!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;">
<!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;"><!ENTITY i "&h;&h;&h;&h;&h;&h;&h;&h;&h;&h;">]>
<Envelope>&i;</Envelope>"""


@pytest.mark.parametrize(
    "data",
    [
        BILLION_LAUGHS,
        BILLION_LAUGHS.decode().replace("?>", ' encoding="UTF-16"?>', 1).encode("utf-16"),
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><Envelope>&x;</Envelope>',
        b'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd"><Envelope/>',
        b"<!DOCTYPE r [<!ENTITY x '" + b"a" * 100_000 + b"'>]><Envelope>" + b"&x;" * 5_000 + b"</Envelope>",
    ],
    ids=["billion laughs", "billion laughs in UTF-16", "file", "network", "quadratic"],
)
def test_document_type_is_refused_before_any_entity_is_expanded(data: bytes) -> None:
    (finding,) = lint_bytes(data)
    assert finding.rule == "xml-doctype"


def test_deep_nesting_is_refused() -> None:
    assert set(found(b"<Envelope>" + b"<a>" * 100_000)) == {"xml-too-deep"}


def test_too_many_elements_are_refused() -> None:
    assert set(found(b"<Envelope>" + b"<a/>" * 300_000 + b"</Envelope>")) == {"xml-too-large"}


def test_too_many_bytes_are_refused() -> None:
    assert set(found(b"<Envelope>" + b" " * (17 * 1024 * 1024) + b"</Envelope>")) == {"xml-too-large"}


def test_thousands_of_faults_are_limited_and_counted_by_rule() -> None:
    findings = lint_bytes(descriptor(files='<File ovf:id="a" ovf:href="/x"/>' * 2_000))
    outside = [finding for finding in findings if finding.rule == "href-outside"]
    assert len(outside) == PER_RULE + 1
    assert outside[-1].message == f"This rule has {2_000 - PER_RULE} more findings."
    assert "file-unused" in {finding.rule for finding in findings}


def test_sixty_thousand_disks_based_on_each_other_are_checked() -> None:
    disks = "".join(f'<Disk diskId="d{number}" parentRef="d{number + 1}"/>' for number in range(60_000))
    findings = found(b"<Envelope>" + disks.encode() + b"</Envelope>")
    assert "on disk 'd60000'" in findings["disk-parent-unknown"].message


def test_vm_inside_a_vm_is_not_read_repeatedly() -> None:
    nested = b"<VirtualSystem>" * 50 + b"<VirtualHardwareSection/>" + b"</VirtualSystem>" * 50
    findings = lint_bytes(b"<Envelope>" + nested + b"</Envelope>")
    assert [finding.rule for finding in findings].count("vm-without-disk") == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<Envelope>",
        b"<Envelope></Envelop>",
        b"\0\1\2",
        b"<a:Envelope/>",
        b"<Envelope>&nbsp;</Envelope>",
        b'<?xml version="1.0" encoding="nonsense"?><Envelope/>',
        b"<Envelope>\xff</Envelope>",
        descriptor()[:-20],
    ],
)
def test_broken_xml_is_one_finding_with_a_line(data: bytes) -> None:
    (finding,) = lint_bytes(data)
    assert finding.rule == "xml-malformed"
    assert finding.where.startswith("line ")


@given(data=st.binary(max_size=200))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    assert lint_bytes(data)


@given(
    devices=st.lists(st.sampled_from([CONTROLLER, IDE, DISK, NETWORK_CARD, drive(15, CONNECTED), "<Item/>"])),
    cut=st.data(),
)
def test_any_hardware_and_any_cut_get_an_answer(devices: list[str], cut: st.DataObject) -> None:
    data = descriptor("".join(devices))
    for finding in lint_bytes(data[: cut.draw(st.integers(0, len(data)))]):
        assert finding.rule
        assert finding.fix


@given(
    text=st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters='<>&"\ufffe\uffff'), max_size=30)
)
def test_any_name_is_quoted_so_that_it_cannot_control_a_terminal(text: str) -> None:
    for finding in lint_bytes(descriptor(files=FILES.replace("disk1.vmdk", f"../{text}"))):
        assert finding.message.isprintable()
        assert finding.where.isprintable()
