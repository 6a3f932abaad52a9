"""The manifest of an export lease: what the host has sent, so that the receiver can compare it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from service.vsphere.session import Instance, Session


class SentFile(BaseModel):
    """A file that the host has sent: `size` in bytes (0 if unknown), and one checksum in hex; the other is empty."""

    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str
    sha1: str


def ask_for_sha256(lease: Any, keys: Sequence[str]) -> None:
    """Ask for SHA-256 of what will be sent, which the receiver computes anyway.

    Hosts do so since API 6.7. Before, and without a request, they compute SHA-1 (`HttpNfcLeaseGetManifest`, API 4.1: of
    "the data stream sent from the server").
    """
    wanted = [vim.KeyValue(key=key, value="sha256") for key in keys]
    try:
        lease.HttpNfcLeaseSetManifestChecksumType(deviceUrlsToChecksumTypes=wanted)
    except vim.fault.NotAuthenticated:
        raise
    except vmodl.MethodFault:
        return


async def read_sent(session: Session, lease: str, key: str) -> SentFile | None:
    """What the host has sent of the disk `key` under the lease (a moref); None when the host does not report it."""

    def ask(instance: Instance) -> SentFile | None:
        try:
            entries = vim.HttpNfcLease(lease, instance._stub).HttpNfcLeaseGetManifest()
        except vim.fault.NotAuthenticated:
            raise
        except vmodl.MethodFault:
            return None
        entry = next((each for each in entries or [] if each.key == key), None)
        if entry is None:
            return None
        in_sha256 = entry.checksumType == "sha256"
        return SentFile(
            size=entry.size or 0,
            sha256=(entry.checksum or "").lower() if in_sha256 else "",
            sha1="" if in_sha256 else (entry.sha1 or "").lower(),
        )

    return await session.call(ask)
