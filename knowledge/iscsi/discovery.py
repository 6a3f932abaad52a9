"""How an iSCSI initiator finds its targets: the three mechanisms, what each needs, and what ESX supports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Certainty = Literal["documented", "inferred"]

LUN_NOTE = (
    "Discovery finds only targets: those that the initiator may use, each with at least one address, and with as little"
    " configuration as possible. The initiator finds the LUNs of a target afterwards with the SCSI protocol"
    " (REPORT LUNS); on ESX, that is the rescan."
)
NEEDED_FOR_A_SESSION = "To open a session, an initiator needs the target's IP address, its TCP port and its iSCSI name."


@dataclass(frozen=True, kw_only=True, slots=True)
class Support:
    """Whether one generation of ESX supports a mechanism, how certain that is, and the source."""

    release: str
    supported: bool
    detail: str
    certainty: Certainty
    source: str
    commands: tuple[str, ...] = ()
    """What to type on the host; ``vmhba64``, addresses and names are examples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mechanism:
    """One way in which an initiator finds its targets."""

    slug: str
    name: str
    also_called: tuple[str, ...]
    needs: tuple[str, ...]
    steps: tuple[str, ...]
    suits: str
    support: tuple[Support, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Discovery:
    """The three mechanisms and what applies to all of them."""

    mechanisms: tuple[Mechanism, ...]
    needed_for_a_session: str = NEEDED_FOR_A_SESSION
    note: str = LUN_NOTE


_DOCUMENT = "the documented iSCSI discovery notes (first release of ESX 3)"
_VSPHERE = "vSphere Storage 6.5, Discovery: the two types available on ESXi are dynamic and static"
_ESXCLI = "ESXCLI reference, namespace esxcli iscsi"

STATIC = Mechanism(
    slug="static",
    name="Static configuration",
    also_called=("static discovery",),
    needs=("IP address of the target", "TCP port of the target", "iSCSI name of the target"),
    steps=(
        "Nothing is discovered: you enter all three on the initiator.",
        "The initiator opens a TCP connection to the address and port.",
        "It opens an iSCSI session with the target's name.",
    ),
    suits="small setups, and targets that answer SendTargets with addresses that the host cannot reach",
    support=(
        Support(
            release="esx-3",
            supported=True,
            detail="Supported, as far as known by hardware initiators only; software iSCSI uses SendTargets.",
            certainty="inferred",
            source=f"{_DOCUMENT}: only zero-configuration is named as not supported",
        ),
        Support(
            release="esxi-today",
            supported=True,
            detail="Supported. ESXi also lists the targets here that SendTargets found.",
            certainty="documented",
            source=f"{_VSPHERE}; {_ESXCLI}",
            commands=(
                "esxcli iscsi adapter discovery statictarget add --adapter=vmhba64"
                " --address=192.0.2.10:3260 --name=iqn.2001-04.com.example:disk1",
                "esxcli storage core adapter rescan --adapter=vmhba64",
            ),
        ),
    ),
)

SENDTARGETS = Mechanism(
    slug="sendtargets",
    name="SendTargets",
    also_called=("dynamic discovery",),
    needs=("IP address of the target", "TCP port of the target"),
    steps=(
        "The initiator opens a discovery session to that address (a network entity).",
        "It sends the text command SendTargets.",
        "The answer lists the names and addresses of the targets that this initiator may use.",
        "It opens a session to each of them.",
    ),
    suits="most setups: one address for each array",
    support=(
        Support(
            release="esx-3",
            supported=True,
            detail="Supported; configured in the service console for the software initiator (vmhba40 on ESX 3.0, "
            "vmhba32 on ESX 3.5).",
            certainty="documented",
            source=f"{_DOCUMENT}; the command as used on ESX 3 in public notes, not tried; adapters from experience",
            commands=(
                "esxcfg-firewall -e swISCSIClient",
                "esxcfg-swiscsi -e",
                "vmkiscsi-tool -D -a 192.0.2.10 vmhba32",
                "esxcfg-rescan vmhba32",
            ),
        ),
        Support(
            release="esxi-today",
            supported=True,
            detail="Supported. The answer does not include addresses of the other IP family.",
            certainty="documented",
            source=f"{_VSPHERE}; vSphere Host Client 7.0, discovery addresses; {_ESXCLI}",
            commands=(
                "esxcli iscsi software set --enabled=true",
                "esxcli iscsi adapter discovery sendtarget add --adapter=vmhba64 --address=192.0.2.10:3260",
                "esxcli storage core adapter rescan --adapter=vmhba64",
            ),
        ),
    ),
)

ZERO_CONFIGURATION = Mechanism(
    slug="zero-configuration",
    name="Zero-configuration",
    also_called=("SLP", "iSNS"),
    needs=("nothing about the targets", "SLP on the network, or an iSNS server"),
    steps=(
        "The initiator sends multicast messages to the targets (SLP), or asks a storage name server (iSNS).",
        "It receives the names, addresses and ports of the targets that it may use, and with iSNS also later changes.",
        "It opens a session to each of them.",
    ),
    suits="large networks that already run iSNS or SLP; not ESX",
    support=(
        Support(
            release="esx-3",
            supported=False,
            detail="Not supported in the first release of ESX 3, neither SLP nor iSNS.",
            certainty="documented",
            source=_DOCUMENT,
        ),
        Support(
            release="esxi-today",
            supported=False,
            detail=(
                "Not available on software and dependent hardware adapters. In the vSphere API, an adapter can report"
                " that iSNS or SLP is configurable, so an independent hardware adapter might; none is known."
            ),
            certainty="inferred",
            source=f"{_VSPHERE}; HostInternetScsiHbaDiscoveryCapabilities in the vSphere API",
        ),
    ),
)


def discovery() -> Discovery:
    """Return the three mechanisms, from the one that needs the most settings to the one that needs the fewest."""
    return Discovery(mechanisms=(STATIC, SENDTARGETS, ZERO_CONFIGURATION))
