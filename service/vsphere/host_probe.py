"""Whether the host that a VM runs on can be reached for its disks, found out before a snapshot of the VM is taken."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from service.api.models import Check
from service.vsphere.host_tls import Pin, unverified_context
from service.vsphere.session import Instance, Session, read_properties, vm_of

RULE = "host-unreachable"
PROBE_SECONDS = 10
"""How long a host may take to accept a connection and to show its certificate."""
HTTPS = 443
STANDALONE = "HostAgent"
"""The `apiType` of a host without a vCenter, which sends its disks from where it answers calls."""


class HostAddress(BaseModel):
    """Where vCenter reaches a host, and the certificate that it expects there."""

    model_config = ConfigDict(frozen=True)

    name: str
    port: int
    pin: Pin


async def probe_host(session: Session, vm: str) -> list[Check]:
    """A finding that refuses a backup when the host of the VM `vm` (a moref) cannot send its disks to this machine.

    Checks that the host's name resolves here, that its port accepts connections, and that its certificate is trusted or
    the one that vCenter knows. Changes nothing. Empty when all is well, or when vCenter does not name the host.
    """
    host = await session.call(lambda instance: _address(instance, vm))
    if host is None:
        return []
    trouble = await _trouble(host, session)
    return [Check(rule=RULE, severity="refuse", message=trouble)] if trouble else []


def _address(instance: Instance, vm: str) -> HostAddress | None:
    if instance.content.about.apiType == STANDALONE:
        return None
    values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, ["runtime.host"])[0][1]
    if "runtime.host" not in values:
        return None
    names = ["summary.config.name", "summary.config.port", "summary.config.sslThumbprint"]
    known: dict[str, Any] = read_properties(instance, [values["runtime.host"]], vim.HostSystem, names)[0][1]
    if not known.get("summary.config.name"):
        return None
    pin = Pin.of(known.get("summary.config.sslThumbprint"))
    return HostAddress(name=known["summary.config.name"], port=known.get("summary.config.port") or HTTPS, pin=pin)


async def _trouble(host: HostAddress, session: Session) -> str:
    """What keeps this machine from reading disks from the host; empty when nothing does."""
    tls = session.host_tls(host.pin)
    disks = "vmkops reads the disks of a VM from its host, not through vCenter."
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            try:
                await _connect(host, tls.context)
            except ssl.SSLCertVerificationError as error:
                if not tls.pin.matches(await _connect(host, unverified_context())):
                    return str(tls.untrusted(host.name, error.verify_message))
    except socket.gaierror:
        return (
            f"The name {host.name} of the VM's host does not resolve on this machine. {disks} Add the name to the DNS "
            "of this machine."
        )
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or str(error) or f"no answer within {PROBE_SECONDS} seconds"
        return (
            f"The VM's host {host.name} does not accept connections to its port {host.port} ({reason}). {disks} Open "
            "the port for this machine in the firewalls in between."
        )
    return ""


async def _connect(host: HostAddress, tls: ssl.SSLContext) -> bytes:
    """The certificate that the host shows, in DER form; raises what the connection or the check of `tls` raises."""
    _, writer = await asyncio.open_connection(host.name, host.port, ssl=tls)
    try:
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return connection.getpeercert(binary_form=True) or b""
    finally:
        with contextlib.suppress(OSError, TimeoutError):
            writer.close()
            await writer.wait_closed()
