"""The certificate of a host is recognized by what vCenter gives of it, and URLs get the host that was called."""

from __future__ import annotations

import hashlib
import ssl
from base64 import b64encode

import pytest

from service.vsphere.host_tls import Pin, with_host

DER = b"a certificate in DER form"
SHA1 = hashlib.sha1(DER).hexdigest()
SHA256 = hashlib.sha256(DER).hexdigest()


def colons(digest: str) -> str:
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))


@pytest.mark.parametrize(
    "thumbprint",
    [colons(SHA1).upper(), colons(SHA1), SHA1, colons(SHA256), SHA256.upper(), hashlib.sha512(DER).hexdigest()],
)
def test_certificate_is_recognized_by_its_thumbprint(thumbprint: str) -> None:
    assert Pin.of(thumbprint).matches(DER)
    assert not Pin.of(thumbprint).matches(DER + b"!")


@pytest.mark.parametrize("thumbprint", [None, "", "none", "AA:BB", SHA1[:-1], "g" * 40])
def test_thumbprint_that_is_none_matches_no_certificate(thumbprint: str | None) -> None:
    assert Pin.of(thumbprint).algorithm == ""
    assert not Pin.of(thumbprint).matches(DER)
    assert not Pin.of(thumbprint).matches(b"")


def test_whole_certificate_decides_before_a_thumbprint() -> None:
    pem = f"{ssl.PEM_HEADER}\n{b64encode(DER).decode()}\n{ssl.PEM_FOOTER}\n"

    pin = Pin.of("00" * 20, pem)

    assert (pin.algorithm, pin.digest) == ("sha256", SHA256)
    assert Pin.of(SHA1, "no certificate").matches(DER)


@pytest.mark.parametrize(
    ("url", "host", "filled"),
    [
        ("https://*:902/nfc/1/disk-0.vmdk", "esx1.example.com", "https://esx1.example.com:902/nfc/1/disk-0.vmdk"),
        ("https://*/nfc/1/disk-0.vmdk", "2001:db8::7", "https://[2001:db8::7]/nfc/1/disk-0.vmdk"),
        ("https://esx1/nfc/*/disk-0.vmdk", "other", "https://esx1/nfc/*/disk-0.vmdk"),
    ],
)
def test_star_in_a_url_is_the_host_that_was_called(url: str, host: str, filled: str) -> None:
    assert with_host(url, host) == filled


def test_certificate_that_is_none_leaves_the_thumbprint() -> None:
    damaged = "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----"
    assert Pin.of("AB" * 20, damaged) == Pin(algorithm="sha1", digest="ab" * 20)
