"""Builds OVF packages as other products make them, valid and invalid, with real disks."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Mapping
from pathlib import Path

NETWORK = "DC0_DVPG0"
MIB = 1 << 20


SCSI = "<rasd:ResourceSubType>lsilogic</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType>"
NVME = "<rasd:ResourceSubType>vmware.nvme.controller</rasd:ResourceSubType><rasd:ResourceType>20</rasd:ResourceType>"
SECURE_BOOT = """
<vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
<vmw:Config ovf:required="false" vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="true"/>"""


def descriptor(
    name: str,
    disks: Mapping[str, bytes],
    *,
    capacity: int = 6 * MIB,
    extra: str = "",
    controller: str = SCSI,
    config: str = "",
) -> bytes:
    """An OVF of one VM with these disk files; `extra` goes into References, `config` to the end of the hardware."""
    files = "".join(
        f'<File ovf:href="{file}" ovf:id="file{number}" ovf:size="{len(content)}"/>'
        for number, (file, content) in enumerate(disks.items())
    )
    described = "".join(
        f'<Disk ovf:capacity="{capacity}" ovf:capacityAllocationUnits="byte" ovf:diskId="d{number}" '
        f'ovf:fileRef="file{number}" '
        'ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>'
        for number in range(len(disks))
    )
    items = "".join(
        f"<Item><rasd:AddressOnParent>{number}</rasd:AddressOnParent><rasd:ElementName>Disk {number}"
        f"</rasd:ElementName><rasd:HostResource>ovf:/disk/d{number}</rasd:HostResource><rasd:InstanceID>"
        f"{10 + number}</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>"
        for number in range(len(disks))
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vmw="http://www.vmware.com/schema/ovf"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
<References>{files}{extra}</References>
<DiskSection><Info>Disks</Info>{described}</DiskSection>
<NetworkSection><Info>Networks</Info><Network ovf:name="{NETWORK}"/></NetworkSection>
<VirtualSystem ovf:id="vm"><Info>A VM</Info><Name>{name}</Name>
<VirtualHardwareSection><Info>Hardware</Info>
<System><vssd:ElementName>Family</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>
  <vssd:VirtualSystemType>vmx-09</vssd:VirtualSystemType></System>
<Item><rasd:ElementName>CPU</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID>
  <rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
<Item><rasd:ElementName>Memory</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID>
  <rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>32</rasd:VirtualQuantity></Item>
<Item><rasd:Address>0</rasd:Address><rasd:ElementName>Controller 0</rasd:ElementName>
  <rasd:InstanceID>3</rasd:InstanceID>{controller}</Item>
{items}
<Item><rasd:Connection>{NETWORK}</rasd:Connection><rasd:ElementName>Ethernet 1</rasd:ElementName>
  <rasd:InstanceID>30</rasd:InstanceID><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType>
  <rasd:ResourceType>10</rasd:ResourceType></Item>{config}
</VirtualHardwareSection></VirtualSystem></Envelope>
""".encode()


def package(name: str, disks: Mapping[str, bytes], *, algorithm: str = "sha256") -> dict[str, bytes]:
    """The files of a complete package in order: descriptor, manifest, disks."""
    files = {f"{name}.ovf": descriptor(name, disks), **disks}
    return {f"{name}.ovf": files[f"{name}.ovf"], f"{name}.mf": manifest(files, algorithm), **disks}


def manifest(files: Mapping[str, bytes], algorithm: str = "sha256") -> bytes:
    """The manifest of these files as ovftool writes it."""
    lines = [f"{algorithm.upper()}({name})= {hashlib.new(algorithm, data).hexdigest()}" for name, data in files.items()]
    return "\n".join(lines).encode() + b"\n"


def archive(files: Mapping[str, bytes], tail: bytes = b"") -> bytes:
    """An OVA of these files, with `tail` between the last of them and the end."""
    packed = b"".join(entry(name, content) for name, content in files.items())
    return packed + tail + bytes(2 * tarfile.BLOCKSIZE)


def entry(name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """One entry of a tar archive."""
    about = tarfile.TarInfo(name)
    about.type, about.linkname, about.size = kind, link, len(content)
    return about.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % tarfile.BLOCKSIZE)


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into the folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
