"""Small whole backup packages, as a backup leaves them, without a vCenter to make them."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DESCRIPTOR = """<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
  <References><File ovf:href="{disk}" ovf:id="file1" ovf:size="{size}"/></References>
  <DiskSection><Info>disks</Info>
    <Disk ovf:capacity="1048576" ovf:capacityAllocationUnits="byte" ovf:diskId="vmdisk1" ovf:fileRef="file1"
      ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
  </DiskSection>
  <NetworkSection><Info>networks</Info><Network ovf:name="{network}"/></NetworkSection>
  <VirtualSystem ovf:id="{vm}"><Info>a VM</Info><VirtualHardwareSection><Info>hardware</Info>
    <System><vssd:ElementName>hardware</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>
      <vssd:VirtualSystemIdentifier>{vm}</vssd:VirtualSystemIdentifier>
      <vssd:VirtualSystemType>vmx-19</vssd:VirtualSystemType></System>
    <Item><rasd:Address>0</rasd:Address><rasd:ElementName>SCSI controller 0</rasd:ElementName>
      <rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType>
      <rasd:ResourceType>6</rasd:ResourceType></Item>
    <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>Hard disk 1</rasd:ElementName>
      <rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID>
      <rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
  </VirtualHardwareSection></VirtualSystem>
</Envelope>
"""


def keep_package(
    backups_dir: Path,
    backup_id: str,
    created_at: datetime,
    *,
    vm: str = "web",
    content: bytes = b"not really a disk",
    verdict: str | None = None,
    identity: Mapping[str, str] | None = None,
    **about: Any,
) -> Path:
    """Write a package with one disk and return its folder; `about` goes into `backup.json`.

    `identity` replaces the `uuid`, the `moref` or the `vcenter` of the VM.
    """
    folder = backups_dir / vm / backup_id
    folder.mkdir(parents=True)
    disk = f"{vm}-disk-0.vmdk"
    (folder / disk).write_bytes(content)
    descriptor = DESCRIPTOR.format(vm=vm, disk=disk, size=len(content), network="VM Network")
    (folder / f"{vm}.ovf").write_text(descriptor)
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (f"{vm}.ovf", disk)}
    (folder / f"{vm}.mf").write_text("".join(f"SHA256({name})= {value}\n" for name, value in sums.items()))
    record = {
        "job": backup_id,
        "vm": {"name": vm, "uuid": f"uuid-of-{vm}", "moref": "vm-1", **(identity or {})},
        "requested_by": "token:test",
        "consistency": "quiesced",
        "created_at": created_at.isoformat(),
        "disks": [{"key": "/vm-1/disk:0", "file": disk, "size": len(content), "sha256": sums[disk]}],
        **about,
    }
    (folder / "backup.json").write_text(json.dumps(record))
    if verdict is not None:
        seen = {"verdict": verdict, "verified_at": created_at.isoformat(), "verified_by": "token:test", "job": "v"}
        (folder / "verified.json").write_text(json.dumps({**seen, "problems": [], "warnings": []}))
    return folder


def keep_raw_disk(data: Path, backup_id: str, image: Path) -> dict[str, str]:
    """Keep a backup whose disk, a raw image, is in a tar archive beside `image`, as a save profile leaves it.

    Returns the settings of the service.
    """
    folder, member = image.parent, "uuid-of-web/disk-0.raw"
    with tarfile.open(folder / "web-disk-0.tar", "w") as archive:
        archive.add(image, member)
    size = image.stat().st_size
    disk = {"file": "web-disk-0.vmdk", "archive": "web-disk-0.tar", "path": member, "size": size, "sha256": "0" * 64}
    saved = {"profile": "kept", "kind": "tar", "disks": [disk]}
    keep_package(data / "backups", backup_id, datetime.now(UTC), saved=saved)
    (folder / "vmkops.toml").write_text(f'[save.kept]\nkind = "tar"\nrepository = "{folder}"\n')
    return {"VMKOPS_CONFIG": str(folder / "vmkops.toml")}
