"""HTTPS with a certificate of the service's own."""

from __future__ import annotations

import socket
import ssl
import urllib.parse
from pathlib import Path

import pytest
import trustme

from service.errors import SettingError
from service.http._tls import Certificate
from tests.peers.waiting import wait_for
from tests.running_service import RunningService


class Files:
    """A certificate and its key in files, and the CA that signed it."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.ca, self.cert, self.key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        self.authority.cert_pem.write_to_path(str(self.ca))
        self.issue()

    def issue(self) -> bytes:
        """Write a new certificate over the former one, as a renewal does; returns it in DER."""
        made = self.authority.issue_cert("127.0.0.1", "localhost")
        for path, content in ((self.key, made.private_key_pem), (self.cert, made.cert_chain_pems[0])):
            fresh = path.with_suffix(".new")
            fresh.write_bytes(content.bytes())
            fresh.replace(path)
        return ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())

    @property
    def settings(self) -> dict[str, str]:
        return {"VMKOPS_TLS_CERT": str(self.cert), "VMKOPS_TLS_KEY": str(self.key)}

    def presented(self, url: str) -> bytes:
        """The certificate that the service at this URL presents, checked against the CA; in DER."""
        parts = urllib.parse.urlsplit(url)
        context = ssl.create_default_context(cafile=str(self.ca))
        with (
            socket.create_connection((parts.hostname, parts.port), timeout=60) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            return secure.getpeercert(binary_form=True) or b""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A certificate for this machine."""
    return Files(tmp_path)


def test_service_speaks_https_and_serves_a_renewed_certificate_without_a_restart(files: Files, tmp_path: Path) -> None:
    with RunningService(tmp_path / "data", files.settings) as service:
        first = files.presented(service.url)
        renewed = files.issue()
        wait_for(lambda: files.presented(service.url) == renewed, timeout=60, what="the renewed certificate")
        files.cert.write_text("half a certifi")
        after_damage = files.presented(service.url)
        wait_for(lambda: "renewed certificate cannot be used" in service.log(), what="the line in the log")
        done = service.run("jobs", VMKOPS_SERVICE_CA_FILE=str(files.ca))
        unchecked = service.run("jobs")

    assert service.url.startswith("https://")
    assert first != renewed
    assert after_damage == renewed
    assert done.returncode == 0, done.stderr
    assert unchecked.returncode == 1
    assert "certificate" in unchecked.stderr


def test_key_of_another_certificate_is_named(files: Files) -> None:
    files.authority.issue_cert("other.example").private_key_pem.write_to_path(str(files.key))

    with pytest.raises(SettingError, match="does not belong to the certificate"):
        Certificate(files.cert, files.key)


def test_key_with_a_passphrase_is_refused_without_asking_for_it(files: Files) -> None:
    from cryptography.hazmat.primitives import serialization as form

    key = form.load_pem_private_key(files.key.read_bytes(), None)
    locked = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"secret"))
    files.key.write_bytes(locked)

    with pytest.raises(SettingError, match="passphrase"):
        Certificate(files.cert, files.key)


def test_file_that_is_no_certificate_is_named(files: Files) -> None:
    files.cert.write_text("not a certificate")

    with pytest.raises(SettingError, match="is not a PEM file"):
        Certificate(files.cert, files.key)
