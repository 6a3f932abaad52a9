"""Whether a server can be reached as vmkops needs it: its name resolves, its port answers, its certificate is right."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Literal

from service.api.models import Value
from service.api.words import counted

SECONDS = 5.0
"""How long a name or a connection may take."""
EXPIRES_SOON = 30
"""Days before the end of a certificate from which on it is a warning."""

Mark = Literal["ok", "warning", "failed"]


UNRESOLVED = "vmkops reaches vCenter by this name for everything. Correct the URL, or add the name to the DNS."
UNRESOLVED_HOST = (
    "Lookups, power actions and snapshots go through vCenter and work. Backups, restores, exports and imports move "
    "disk data from and to this host by the name that vCenter gives, so they fail. Add the name to the DNS that this "
    "machine uses. In a simulator, as of `make demo`, hosts have names only, and nothing needs to be done."
)


class Finding(Value):
    """One check of one object: what was checked, how it went, and what to do when it is not good."""

    subject: str
    """The vCenter, the host or the cluster that was checked, by name."""
    check: str
    """Such as `name`, `port`, `certificate`, `clock`, `version`, `licence`, `drs`, or `tier look`."""
    mark: Mark
    text: str


async def check_server(
    subject: str,
    host: str,
    port: int,
    trust: ssl.SSLContext | None,
    thumbprint: str = "",
    *,
    is_host: bool = False,
) -> list[Finding]:
    """Check the name, the port and the certificate of a server, in this order; the first that fails is the last.

    With `thumbprint` (SHA-1 or SHA-256 in hex, with or without colons), the certificate must have it. Otherwise it must
    be one that `trust` accepts; without both, any certificate is good. `is_host` is for an ESXi host, which disk data
    comes from; otherwise the server is a vCenter.
    """
    try:
        async with asyncio.timeout(SECONDS):
            addresses = await asyncio.get_running_loop().getaddrinfo(host, port)
    except (OSError, TimeoutError, UnicodeError):
        text = f"The name {host} does not resolve on this machine. {UNRESOLVED_HOST if is_host else UNRESOLVED}"
        return [Finding(subject=subject, check="name", mark="failed", text=text)]
    shown = ", ".join(sorted({str(each[4][0]) for each in addresses}))
    found = [Finding(subject=subject, check="name", mark="ok", text=f"{host} resolves to {shown}.")]
    try:
        async with asyncio.timeout(SECONDS):
            certificate = await _certificate(host, port)
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "no answer"
        text = f"{host}:{port} does not answer ({reason}). Allow connections from this machine to TCP port {port}."
        return [*found, Finding(subject=subject, check="port", mark="failed", text=text)]
    found.append(Finding(subject=subject, check="port", mark="ok", text=f"{host}:{port} answers over TLS."))
    return [*found, await _judge(subject, host, port, certificate, trust, thumbprint)]


def fingerprints(certificate: bytes) -> dict[str, str]:
    """The SHA-1 and the SHA-256 of a certificate (DER), in upper-case hex with colons, by the length of the digits."""
    found = {}
    for name in ("sha1", "sha256"):
        digest = hashlib.new(name, certificate, usedforsecurity=False).hexdigest().upper()
        found[str(len(digest))] = ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
    return found


async def _judge(
    subject: str, host: str, port: int, certificate: bytes, trust: ssl.SSLContext | None, thumbprint: str
) -> Finding:
    prints = fingerprints(certificate)
    if thumbprint:
        digits = thumbprint.replace(":", "").upper()
        if prints.get(str(len(digits)), "").replace(":", "") == digits:
            return Finding(
                subject=subject, check="certificate", mark="ok", text="It has the thumbprint that vCenter knows."
            )
        text = (
            f"The certificate of {host} has the thumbprint {prints['40']}, but vCenter knows {thumbprint}. Reconnect "
            "the host in vCenter, or find out who answers at its address."
        )
        return Finding(subject=subject, check="certificate", mark="failed", text=text)
    if trust is None or trust.verify_mode == ssl.CERT_NONE:
        text = "The certificate is not checked."
        return Finding(subject=subject, check="certificate", mark="warning", text=text)
    try:
        async with asyncio.timeout(SECONDS):
            days = await _trusted_days(host, port, trust)
    except (ssl.SSLError, OSError, TimeoutError) as error:
        reason = getattr(error, "verify_message", "") or str(error)
        text = f"The certificate of {host} is not trusted ({reason}). Its SHA-256 is {prints['64']}."
        return Finding(subject=subject, check="certificate", mark="failed", text=text)
    if days is not None and days < EXPIRES_SOON:
        text = f"The certificate expires in {counted(days, 'day')}. Renew it."
        return Finding(subject=subject, check="certificate", mark="warning", text=text)
    return Finding(subject=subject, check="certificate", mark="ok", text="The certificate is trusted.")


async def _certificate(host: str, port: int) -> bytes:
    """The certificate that the server shows, in DER, whoever issued it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with _connected(host, port, context) as connection:
        return connection.getpeercert(binary_form=True) or b""


async def _trusted_days(host: str, port: int, trust: ssl.SSLContext) -> int | None:
    async with _connected(host, port, trust) as connection:
        ends = (connection.getpeercert() or {}).get("notAfter")
        if not isinstance(ends, str):
            return None
        return (datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) - datetime.now(UTC)).days


@contextlib.asynccontextmanager
async def _connected(host: str, port: int, context: ssl.SSLContext) -> AsyncIterator[Any]:
    _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host, family=socket.AF_UNSPEC)
    try:
        yield writer.get_extra_info("ssl_object")
    finally:
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()
