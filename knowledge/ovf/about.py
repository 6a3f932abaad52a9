"""The advantages of OVF, how to make a package, and the best practices for appliances that the linter checks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One thing to know, with the commands to type where there are any."""

    topic: str
    text: str
    commands: tuple[str, ...] = ()
    source: str = ""


_DOCUMENT = "the documented notes on ovftool and appliances (VirtualCenter 2.5)"

GAINS = (
    Fact(
        topic="standard", text="OVF is an open standard for the exchange of VMs.", source=f"{_DOCUMENT}; DMTF DSP0243"
    ),
    Fact(topic="encapsulation", text="The entire VM is in one package; an OVA is a single file.", source=_DOCUMENT),
    Fact(
        topic="metadata", text="The package includes its description: product, license, properties.", source=_DOCUMENT
    ),
    Fact(topic="several VMs", text="One package can hold several VMs that belong together.", source=_DOCUMENT),
    Fact(topic="compression", text="Disks are compressed; empty blocks take no space.", source=_DOCUMENT),
    Fact(topic="platform independence", text="It is not tied to one vendor's platform.", source=_DOCUMENT),
    Fact(
        topic="import from a URL",
        text="The VirtualCenter 2.5 client imports a package from a URL and installs it over the internet.",
        source=_DOCUMENT,
    ),
)

WAYS = (
    Fact(
        topic="our own backup",
        text="Every backup is a standard OVF package with a SHA256 manifest; nothing else is needed.",
        commands=("vmkops backup VM",),
    ),
    Fact(
        topic="ovftool",
        text="VMware's converter makes a package from a VM in vCenter or on a host, or from a .vmx file.",
        commands=(
            "ovftool --shaAlgorithm=SHA256 vi://user@vcenter.example.com/DC/vm/NAME NAME.ova",
            "ovftool NAME.vmx NAME.ovf",
        ),
        source=_DOCUMENT,
    ),
)

PRACTICES = (
    Fact(topic="virtual SCSI", text="Put disks on virtual SCSI, not IDE.", source=_DOCUMENT),
    Fact(topic="empty drives", text="Disconnect virtual CD-ROM and floppy drives before the export.", source=_DOCUMENT),
    Fact(topic="VMware Tools", text="Install VMware Tools (today open-vm-tools) in the guest.", source=_DOCUMENT),
    Fact(
        topic="portability",
        text="Follow these practices even if you do not want a certificate: the appliance then runs in most places.",
        source=_DOCUMENT,
    ),
)
