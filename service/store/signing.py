"""The key that signs backups: made at the first start, or given, and the public keys whose signatures count.

A signature is the bare Ed25519 signature (RFC 8032) of a file, 64 bytes in a file of the same name with `.sig`, so that
`openssl pkeyutl -verify -rawin` checks it without vmkops.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from knowledge.atomic_file import create_file, replace_file
from service.api.settings import Settings
from service.errors import SettingError

SIGNATURE = ".sig"
"""Added to the name of a file, the name of the file with its signature."""
FOLDER = "signing"
KEY, PUBLIC, SINCE, TRUSTED = "key.pem", "public.pem", "since", "trusted"
SETTING = "VMKOPS_SIGNING_KEY"
LARGEST_FILE = 64 << 10

log = logging.getLogger(__name__)


class Signer:
    """Signs with the key of this installation, and checks signatures against its own and all trusted keys."""

    def __init__(self, key: Ed25519PrivateKey, trusted: Path, since: datetime) -> None:
        """`trusted` is the folder with the public keys of other installations, or of former keys of this one."""
        self._key = key
        self._trusted = trusted
        self.since = since
        """When this installation began to sign; what it wrote later must have a signature."""

    def sign(self, content: bytes) -> bytes:
        """The signature of this content, 64 bytes."""
        return self._key.sign(content)

    def accepts(self, content: bytes, signature: bytes) -> bool:
        """Whether one of the known keys signed this content."""
        return self.made_here(content, signature) or any(_fits(key, content, signature) for key in self._trusted_keys())

    def made_here(self, content: bytes, signature: bytes) -> bool:
        """Whether the key of this installation signed this content."""
        return _fits(self._key.public_key(), content, signature)

    def _trusted_keys(self) -> Iterator[Ed25519PublicKey]:
        """The keys that are in the folder now: one that is put there counts at once."""
        for path in sorted(self._trusted.glob("*.pem")):
            try:
                yield _read_public(path)
            except SettingError as error:
                log.warning("%s", error)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public key in DER, in hex, as `openssl pkey -pubin -outform DER | sha256sum` prints it."""
        public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(public).hexdigest()


def open_signer(settings: Settings) -> Signer:
    """The signer of this installation; the first call makes its key. Raises SettingError for a key that is no use.

    The folder `signing` of the data directory holds the key unless VMKOPS_SIGNING_KEY names one, its public key, the
    time of the first start with it, and in `trusted` the public keys of other installations or of former keys.
    """
    folder = settings.data_dir / FOLDER
    (folder / TRUSTED).mkdir(parents=True, exist_ok=True, mode=0o700)
    path = settings.signing_key or folder / KEY
    if settings.signing_key is None and not path.exists():
        made = Ed25519PrivateKey.generate()
        _write_once(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = _read_key(path)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if not (folder / PUBLIC).exists() or (folder / PUBLIC).read_bytes() != public:
        replace_file(folder / PUBLIC, public)
    _write_once(folder / SINCE, f"{datetime.now(UTC).isoformat()}\n".encode())
    for item in sorted((folder / TRUSTED).glob("*.pem")):
        _read_public(item)
    return Signer(key, folder / TRUSTED, _read_since(folder / SINCE))


def signature_of(path: Path) -> Path:
    """Where the signature of a file is."""
    return path.with_name(path.name + SIGNATURE)


def _fits(key: Ed25519PublicKey, content: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _write_once(path: Path, content: bytes) -> None:
    """Write a file that only this user can read, all at once, unless it is there; the first of several writers wins."""
    if not path.exists():
        create_file(path, content, mode=0o600)


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        problem = f"{path} cannot be read ({error.strerror}). Correct the path or its mode."
        raise SettingError(SETTING, problem) from None
    except TypeError:
        raise SettingError(SETTING, f"{path} has a passphrase. Write the key without one: openssl pkey.") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingError(
            SETTING,
            f"{path} is not an Ed25519 key in PEM. Name another file. To make one: openssl genpkey -algorithm ed25519 "
            "-out NEW.pem. If this file was a key that signed backups, restore it instead.",
        )
    return key


def _read_public(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes()[:LARGEST_FILE])
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise SettingError(FOLDER, f"{path} is not a public Ed25519 key in PEM. Correct it, or remove it.")
    return key


def _read_since(path: Path) -> datetime:
    try:
        since = datetime.fromisoformat(path.read_text("ascii").strip())
        return since if since.tzinfo else since.replace(tzinfo=UTC)
    except (OSError, ValueError):
        raise SettingError(FOLDER, f"{path} is not a time. Remove it; the next start writes it again.") from None
