"""What ESXi, vCenter and their clients refuse in a descriptor is a finding that names the refusal."""

from __future__ import annotations

import pytest

from knowledge.finding import Finding
from knowledge.ovf import lint_bytes

CPU = """
<Item><rasd:ElementName>1 CPU</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID>
  <rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>"""
CONTROLLER = """
<Item><rasd:Address>0</rasd:Address><rasd:ElementName>SCSI</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID>
  <rasd:ResourceSubType>lsilogic</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>"""
DISK = """
<Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>disk</rasd:ElementName>
  <rasd:HostResource>ovf:/disk/disk1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID>
  <rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>"""
STORAGE_ITEM = """
<StorageItem><sasd:AddressOnParent>0</sasd:AddressOnParent><sasd:ElementName>disk1</sasd:ElementName>
  <sasd:HostResource>/disk/disk1</sasd:HostResource><sasd:InstanceID>4</sasd:InstanceID><sasd:Parent>3</sasd:Parent>
  <sasd:ResourceType>31</sasd:ResourceType></StorageItem>"""
PORT_ITEM = """
<EthernetPortItem><epasd:Connection>NAT</epasd:Connection><epasd:ElementName>nic</epasd:ElementName>
  <epasd:InstanceID>5</epasd:InstanceID><epasd:ResourceType>10</epasd:ResourceType></EthernetPortItem>"""
HARDWARE = CPU + CONTROLLER + DISK
CIM = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM"


def descriptor(
    family: str = "vmx-07", hardware: str = HARDWARE, *, file: str = 'ovf:href="vm.vmdk"', version: int = 1
) -> bytes:
    """Return a descriptor without findings unless a part is replaced; empty ``hardware`` omits its section."""
    system = f"<System><vssd:VirtualSystemType>{family}</vssd:VirtualSystemType></System>" if family else ""
    tools = '<vmw:Config ovf:required="false" vmw:key="tools.syncTimeWithHost" vmw:value="false"/>'
    section = f"<VirtualHardwareSection><Info/>{system}{hardware}{tools}</VirtualHardwareSection>" if hardware else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/{version}" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/{version}"
  xmlns:rasd="{CIM}_ResourceAllocationSettingData" xmlns:vssd="{CIM}_VirtualSystemSettingData"
  xmlns:sasd="{CIM}_StorageAllocationSettingData.xsd" xmlns:epasd="{CIM}_EthernetPortAllocationSettingData.xsd"
  xmlns:vmw="http://www.vmware.com/schema/ovf">
<References><File {file} ovf:id="file1"/></References>
<DiskSection><Info/><Disk ovf:capacity="1073741824" ovf:diskId="disk1" ovf:fileRef="file1"
  ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
<NetworkSection><Info/><Network ovf:name="NAT"/></NetworkSection>
<VirtualSystem ovf:id="vm1"><Info/>{section}</VirtualSystem></Envelope>""".encode()


def found(data: bytes, rule: str) -> Finding:
    (finding,) = [finding for finding in lint_bytes(data) if finding.rule == rule]
    return finding


@pytest.mark.parametrize("family", ["vmx-04", "vmx-07", "vmx-4 vmx-99", "vmx-07,virtualbox-2.2", "xen-3 vmx-04", ""])
def test_package_that_every_host_runs_has_no_finding(family: str) -> None:
    assert lint_bytes(descriptor(family)) == ()


@pytest.mark.parametrize("family", ["virtualbox-2.2", "xen-3", "qemu:square-pc", "foobar, xen3", "301", "DMTF:xen:pv"])
def test_hardware_family_of_another_product_is_an_error(family: str) -> None:
    finding = found(descriptor(family), "hardware-family")
    assert finding.severity == "error"
    assert family in finding.message
    assert "ovftool --lax" in finding.fix
    assert "Set VirtualSystemType to a family that your hosts run, such as vmx-13" in finding.fix


@pytest.mark.parametrize(
    ("family", "host"),
    [
        ("vmx-13", "ESXi 6.5"),
        ("vmx-08", "ESXi 5.0"),
        ("vmx-21", "ESXi 8.0 Update 2"),
        ("vmx-22", "ESX 9.0"),
        ("vmx-13 vmx-14", "ESXi 6.5"),
        ("vmx-14,vmx-11,vmx-13", "ESXi 6.0"),
        ("vmx-99 virtualbox-2.2 vmx-20", "ESXi 8.0"),
        ("vmx-12", "ESXi 6.5"),
    ],
)
def test_oldest_host_of_the_family_is_an_info_and_a_list_means_any_of_it(family: str, host: str) -> None:
    (finding,) = lint_bytes(descriptor(family))
    assert (finding.rule, finding.severity) == ("hardware-version", "info")
    assert f"needs {host} or later" in finding.message


@pytest.mark.parametrize("family", ["vmx-99", "vmx-23 vmx-24", "vmx-06", "vmx-03"])
def test_family_that_no_current_host_runs_is_a_warning(family: str) -> None:
    finding = found(descriptor(family), "hardware-version")
    assert finding.severity == "warning"
    assert family in finding.message


@pytest.mark.parametrize(
    "file",
    [
        'ovf:href="vm.vmdk.gz" ovf:compression="gzip"',
        'ovf:href="vm.vmdk" ovf:compression="gzip"',
        'ovf:href="vm.vmdk.gz"',
        'ovf:href="vm.vmdk" ovf:compression="bzip2"',
    ],
)
def test_compressed_disk_is_a_warning(file: str) -> None:
    finding = found(descriptor(file=file), "disk-compressed")
    assert (finding.severity, finding.where) == ("warning", "line 6")
    assert "ovftool" in finding.fix


def test_disk_that_is_stored_as_it_is_and_another_compressed_file_are_fine() -> None:
    assert lint_bytes(descriptor(file='ovf:href="vm.vmdk" ovf:compression="identity"')) == ()
    other = '<File ovf:href="notes.txt.gz" ovf:compression="gzip" ovf:id="file2"/>'
    data = descriptor().replace(b"</References>", other.encode() + b"</References>")
    assert {finding.rule for finding in lint_bytes(data)} == {"file-unused"}


@pytest.mark.parametrize(
    "data",
    [
        descriptor(hardware=CPU + CONTROLLER + STORAGE_ITEM + PORT_ITEM, version=2),
        descriptor(hardware=CPU + CONTROLLER + STORAGE_ITEM),
        descriptor(hardware=HARDWARE + PORT_ITEM),
        descriptor(version=2),
    ],
    ids=["OVF 2", "StorageItem", "EthernetPortItem", "namespace"],
)
def test_ovf_2_is_one_warning(data: bytes) -> None:
    finding = found(data, "ovf-2")
    assert finding.severity == "warning"
    assert "OVF 1.0" in finding.fix


def test_placement_section_of_ovf_2_in_a_descriptor_of_ovf_1_is_fine() -> None:
    section = b'<o2:PlacementSection xmlns:o2="http://schemas.dmtf.org/ovf/envelope/2" ovf:required="false"/>'
    assert lint_bytes(descriptor().replace(b"</VirtualSystem>", section + b"</VirtualSystem>")) == ()


def test_vm_without_virtual_hardware_is_an_error() -> None:
    finding = found(descriptor(hardware=""), "hardware-section-missing")
    assert finding.severity == "error"
    assert "vm-without-disk" not in {finding.rule for finding in lint_bytes(descriptor(hardware=""))}


def test_vm_without_an_id_is_an_error() -> None:
    data = descriptor().replace(b'<VirtualSystem ovf:id="vm1">', b"<VirtualSystem>")
    assert found(data, "vm-id").severity == "error"


def test_elements_of_an_item_that_are_not_sorted_are_a_warning() -> None:
    card = """
<Item><rasd:Description>Ethernet</rasd:Description><rasd:Connection>NAT</rasd:Connection>
  <rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceType>10</rasd:ResourceType></Item>"""
    finding = found(descriptor(hardware=HARDWARE + card), "item-order")
    assert finding.severity == "warning"
    assert "'Connection'" in finding.message


def test_vapp_without_a_vm_is_a_warning() -> None:
    vapp = b"<VirtualSystemCollection><Info/></VirtualSystemCollection>"
    data = b'<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1">' + vapp + b"</Envelope>"
    (finding,) = lint_bytes(data)
    assert (finding.rule, finding.severity) == ("no-vm", "warning")


def test_prefix_without_a_namespace_is_explained() -> None:
    data = descriptor().replace(b'xmlns:vmw="http://www.vmware.com/schema/ovf"', b"")
    (finding,) = lint_bytes(data)
    assert finding.rule == "xml-malformed"
    assert "no xmlns attribute declares" in finding.message


IDE = """
<Item><rasd:Address>0</rasd:Address><rasd:ElementName>IDE</rasd:ElementName><rasd:InstanceID>8</rasd:InstanceID>
  {}<rasd:ResourceType>5</rasd:ResourceType></Item>"""


def scsi(subtype: str) -> str:
    return HARDWARE.replace(">lsilogic<", f">{subtype}<")


@pytest.mark.parametrize(
    "hardware",
    [
        HARDWARE + IDE.format(""),
        scsi("VirtualSCSI"),
        scsi("lsilogicsas"),
        scsi("virtio, LsiLogic"),
        scsi("buslogic lsilogic"),
        scsi(""),
    ],
    ids=["IDE", "paravirtual", "SAS", "one of several", "each of several", "importer chooses"],
)
def test_controller_that_vmware_has_is_no_finding(hardware: str) -> None:
    assert lint_bytes(descriptor(hardware=hardware)) == ()


@pytest.mark.parametrize(
    "hardware",
    [HARDWARE + IDE.format("<rasd:ResourceSubType>PIIX4</rasd:ResourceSubType>"), scsi("virtio-scsi")],
    ids=["IDE of VirtualBox", "SCSI of KVM"],
)
def test_controller_of_another_product_is_a_warning(hardware: str) -> None:
    assert found(descriptor(hardware=hardware), "controller-subtype").severity == "warning"


def other_id(item: str) -> str:
    return item.replace("InstanceID>1<", "InstanceID>21<")


@pytest.mark.parametrize("kind", [3, 4], ids=["CPU", "memory"])
def test_second_cpu_or_memory_is_an_error(kind: int) -> None:
    item = CPU.replace("ResourceType>3<", f"ResourceType>{kind}<")
    finding = found(descriptor(hardware=item + other_id(item) + CONTROLLER + DISK), "resource-twice")
    assert finding.severity == "error"


def test_each_deployment_option_has_its_own_cpu() -> None:
    small = CPU.replace("<Item>", '<Item ovf:configuration="small">')
    large = other_id(CPU).replace("<Item>", '<Item ovf:configuration="large">')
    assert lint_bytes(descriptor(hardware=small + large + CONTROLLER + DISK)) == ()
