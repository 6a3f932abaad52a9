"""Whether the host that a VM runs on can be reached for its disks, found out before a snapshot of the VM is taken."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from service.api.models import Check
from service.vsphere.host_tls import HostTls, Pin, unverified_context
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
    """What keeps the host of the VM `vm` (a moref) from sending disks to this machine, as findings; changes nothing.

    Checks that the host's name resolves here, that its port accepts connections, and that its certificate is trusted or
    the one that vCenter knows. Each finding refuses a backup, except that a certificate which vCenter says nothing of
    is a warning: the lease may name it. Empty when all is well, or when vCenter does not name the host.
    """
    host = await session.call(lambda instance: _address(instance, vm))
    return [] if host is None else [check async for check in _look(host, session.host_tls(host.pin))]


def _address(instance: Instance, vm: str) -> HostAddress | None:
    if instance.content.about.apiType == STANDALONE:
        return None
    values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, ["runtime.host"])[0][1]
    if "runtime.host" not in values:
        return None
    try:
        found = read_properties(instance, [values["runtime.host"]], vim.HostSystem, ["summary.config"])
    except vim.fault.NotAuthenticated:
        raise
    except (vmodl.fault.ManagedObjectNotFound, vmodl.fault.SecurityError):
        return None  # the account of vmkops may not look at the host
    summary: Any = found[0][1].get("summary.config") if found else None
    if summary is None or not summary.name:
        return None
    pin = Pin.of(summary.sslThumbprint, summary.sslCertificate)
    return HostAddress(name=summary.name, port=summary.port or HTTPS, pin=pin)


async def _look(host: HostAddress, tls: HostTls) -> AsyncIterator[Check]:
    disks = "vmkops reads the disks of a VM from its host, not through vCenter."
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            try:
                await _connect(host, tls.context)
            except ssl.SSLCertVerificationError as error:
                if not tls.pin.matches(await _connect(host, unverified_context())):
                    severity: Literal["refuse", "warn"] = "refuse" if tls.pin.algorithm else "warn"
                    message = str(tls.untrusted(host.name, error.verify_message))
                    yield Check(rule=RULE, severity=severity, message=message)
    except (socket.gaierror, UnicodeError):  # UnicodeError: no DNS name at all, such as `esx..lab`
        message = (
            f"The name {host.name} of the VM's host does not resolve on this machine. {disks} Add the name to the DNS "
            "of this machine."
        )
        yield Check(rule=RULE, severity="refuse", message=message)
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or str(error) or f"no answer within {PROBE_SECONDS} seconds"
        message = (
            f"The VM's host {host.name} does not accept connections to its port {host.port} ({reason}). {disks} Open "
            "the port for this machine in the firewalls in between."
        )
        yield Check(rule=RULE, severity="refuse", message=message)


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
