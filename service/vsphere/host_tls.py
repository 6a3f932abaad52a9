"""How the certificate of the host that sends or receives disk bytes is checked.

Disks do not pass through vCenter: a lease names URLs of ESXi hosts. Their certificates are rarely signed by an
authority that this machine trusts, so vCenter, which is trusted, gives the thumbprint of the host's certificate with
each URL.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import ssl

from pydantic import BaseModel, ConfigDict

from service.errors import CertificateUntrusted

ALGORITHMS = {40: "sha1", 64: "sha256", 128: "sha512"}
"""The hash algorithm of a thumbprint, by its hexadecimal digits. vCenter gives SHA-1 up to version 8."""


PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class Pin(BaseModel):
    """The certificate that vCenter expects of a host: `digest` in lower-case hex, of its DER form by `algorithm`.

    `algorithm` is empty when vCenter gave none that can be used; then no certificate matches.
    """

    model_config = ConfigDict(frozen=True)

    algorithm: str = ""
    digest: str = ""

    @classmethod
    def of(cls, thumbprint: str | None, certificate: str | None = None) -> Pin:
        """The pin of a lease's URL: `thumbprint` such as `4A:0F:...`, or the PEM `certificate` (API 9.0), if given."""
        if found := PEM.search(certificate or ""):
            with contextlib.suppress(ValueError):  # no base64: then the thumbprint has to do
                return cls(algorithm="sha256", digest=hashlib.sha256(ssl.PEM_cert_to_DER_cert(found[0])).hexdigest())
        digest = re.sub(r"[:\s]", "", thumbprint or "").lower()
        algorithm = ALGORITHMS.get(len(digest), "") if re.fullmatch(r"[0-9a-f]*", digest) else ""
        return cls(algorithm=algorithm, digest=digest if algorithm else "")

    def matches(self, certificate: bytes) -> bool:
        """Whether this is the certificate, given in DER form."""
        if not self.algorithm:
            return False
        found = hashlib.new(self.algorithm, certificate, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(found, self.digest)


def unverified_context() -> ssl.SSLContext:
    """A TLS context for connections whose certificate is compared with a pin right after the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class HostTls(BaseModel):
    """How to check the certificate of one host: by `context`, and by the pin if that does not trust the certificate.

    `ca_setting` is the name of the setting for further authorities, for errors.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    context: ssl.SSLContext
    pin: Pin = Pin()
    ca_setting: str = "ca_file"

    def untrusted(self, host: str, reason: str) -> CertificateUntrusted:
        """The error for a certificate that neither the context trusts, which is the `reason`, nor the pin matches."""
        if self.pin.algorithm:
            return CertificateUntrusted(
                f"The host {host} has another certificate than vCenter knows, so no data was sent or received. If its "
                "certificate was renewed, disconnect the host in vCenter and connect it again, which takes up the new "
                "one. If not, something between this machine and the host answers in its place: find out what."
            )
        return CertificateUntrusted(
            f"The certificate of the host {host} is not trusted ({reason}), and vCenter gives no thumbprint of it. Set "
            f"{self.ca_setting} to a PEM file that also has the CA of the hosts. A vCenter offers the CA of its hosts "
            "under /certs/download.zip."
        )


def with_host(url: str, host: str) -> str:
    """The URL of a lease, with `host` where a host without a vCenter, or behind a NAT, writes `*` in its own place."""
    return re.sub(r"(?<=//)\*", lambda _: f"[{host}]" if ":" in host else host, url, count=1)
