"""TLS of the service's own: the certificate and key of the settings, read again when they were renewed."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from service.errors import SettingError

log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int], ...]


class Certificate:
    """A certificate with its key. `context` is for the listening socket, and serves each new version of the files."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Read both files; raises SettingError that says which one is wrong and how."""
        self._cert, self._key = cert, key
        self._stamp = self._look()
        self.context = self._current = self._read()
        self.context.sni_callback = self._renew

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self._cert, self._key, password=lambda: b"")  # or it would ask in the terminal
        except (ssl.SSLError, OSError) as error:
            raise SettingError("VMKOPS_TLS_CERT", _explain(error, self._cert, self._key)) from None
        return context

    def _look(self) -> Stamp:
        found = (path.stat() for path in (self._cert, self._key))
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in found)

    def _renew(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Use the newest files for this handshake. While they do not fit, the last good ones serve on."""
        try:
            if (stamp := self._look()) != self._stamp:
                self._stamp = stamp
                self._current = self._read()
                log.info("the certificate was renewed", extra={"file": str(self._cert)})
        except (SettingError, OSError) as error:
            log.error("the renewed certificate cannot be used; the former one stays in use: %s", error)
        connection.context = self._current


def _explain(error: Exception, cert: Path, key: Path) -> str:
    reason = str(getattr(error, "reason", "") or "")
    if "KEY_VALUES_MISMATCH" in reason:
        return f"the key in {key} does not belong to the certificate in {cert}. Set the key of this certificate."
    if isinstance(error, ssl.SSLError) and reason in {"BAD_DECRYPT", "BAD_PASSWORD_READ", "BAD_PASS"}:
        return f"the key in {key} has a passphrase. Write the key without one: openssl pkey -in {key} -out NEW."
    if isinstance(error, ssl.SSLError):
        return f"{cert} or {key} is not a PEM file with a certificate, or a private key ({reason or error})."
    return f"{cert} or {key} cannot be read ({getattr(error, 'strerror', '') or error})."
