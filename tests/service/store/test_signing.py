"""The key that signs packages."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from service.api.settings import Settings
from service.errors import SettingError
from service.store.signing import open_signer
from tests.peers.fetch import require


def settings(tmp_path: Path, key: Path | None = None) -> Settings:
    """Settings with this data directory and this key."""
    chosen = {"VMKOPS_SIGNING_KEY": str(key)} if key else {}
    return Settings.read({"VMKOPS_DATA_DIR": str(tmp_path / "data"), **chosen})


def pem(key: object, lock: bytes = b"") -> bytes:
    """A private key in PEM."""
    kind = BestAvailableEncryption(lock) if lock else NoEncryption()
    assert hasattr(key, "private_bytes")
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, kind))


def test_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first, second = open_signer(settings(tmp_path)), open_signer(settings(tmp_path))

    assert second.accepts(b"content", first.sign(b"content"))
    assert first.fingerprint == second.fingerprint
    assert first.since == second.since
    assert (tmp_path / "data/signing/key.pem").stat().st_mode & 0o077 == 0


def test_changed_content_and_foreign_keys_are_not_accepted(tmp_path: Path) -> None:
    ours, other = open_signer(settings(tmp_path)), open_signer(settings(tmp_path / "other"))
    signature = ours.sign(b"content")

    assert not ours.accepts(b"Content", signature)
    assert not ours.accepts(b"content", signature[:-1])
    assert not ours.accepts(b"content", b"")
    assert not ours.accepts(b"content", other.sign(b"content"))


def test_trusted_public_key_is_accepted(tmp_path: Path) -> None:
    other = open_signer(settings(tmp_path / "other"))
    here = open_signer(settings(tmp_path))
    public = (tmp_path / "other/data/signing/public.pem").read_bytes()
    (tmp_path / "data/signing/trusted/other.pem").write_bytes(public)

    assert here.accepts(b"content", other.sign(b"content"))
    assert open_signer(settings(tmp_path)).accepts(b"content", other.sign(b"content"))


def test_given_key_signs(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    (tmp_path / "own.pem").write_bytes(pem(key))

    signer = open_signer(settings(tmp_path, tmp_path / "own.pem"))

    key.public_key().verify(signer.sign(b"content"), b"content")
    assert not (tmp_path / "data/signing/key.pem").exists()


def test_openssl_checks_a_signature_without_vmkops(tmp_path: Path) -> None:
    signer = open_signer(settings(tmp_path))
    (tmp_path / "web-01.mf").write_bytes(b"SHA256(web-01.ovf)= 00\n")
    (tmp_path / "web-01.mf.sig").write_bytes(signer.sign(b"SHA256(web-01.ovf)= 00\n"))
    command = [
        str(require("openssl")),
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        str(tmp_path / "data/signing/public.pem"),
        "-rawin",
    ]
    command += ["-in", "web-01.mf", "-sigfile", "web-01.mf.sig"]

    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "web-01.mf").write_bytes(b"SHA256(web-01.ovf)= 01\n")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no key", "is not an Ed25519 key in PEM"),
        (pem(generate_private_key(65537, 2048)), "is not an Ed25519 key in PEM"),
        (pem(Ed25519PrivateKey.generate(), b"secret"), "has a passphrase"),
        (None, "cannot be read"),
    ],
    ids=["text", "RSA", "passphrase", "missing"],
)
def test_key_that_is_no_use_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "own.pem").write_bytes(content)

    with pytest.raises(SettingError, match=said):
        open_signer(settings(tmp_path, tmp_path / "own.pem"))


def test_trusted_file_that_is_no_public_key_is_named(tmp_path: Path) -> None:
    open_signer(settings(tmp_path))
    private = Ed25519PrivateKey.generate()
    (tmp_path / "data/signing/trusted/wrong.pem").write_bytes(pem(private))

    with pytest.raises(SettingError, match=r"wrong\.pem is not a public Ed25519 key"):
        open_signer(settings(tmp_path))
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "data/signing/trusted/wrong.pem").write_bytes(public)
    open_signer(settings(tmp_path))
