"""A service without a vCenter and its copy targets: a directory, S3, S3 encrypted, and SFTP, with rclone."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.peers.fetch import require
from tests.peers.s3_server import S3Server
from tests.peers.sftp_server import SftpServer
from tests.running_service import RunningService
from tests.signed_packages import keep_signed

NOW = datetime.now(UTC)
TARGETS = ("nas", "s3", "crypt", "sftp")
SHORT = ("absent", "hangs", "chatters")
LARGE = 48 << 20


def content(size: int, seed: int) -> bytes:
    """Bytes that do not compress and that nothing else has."""
    return random.Random(seed).randbytes(size)


def disk_of(folder: Path) -> bytes:
    """The content of the disk of a kept backup."""
    (disk,) = folder.glob("*.vmdk")
    return disk.read_bytes()


class Copies:
    """A service without a vCenter, and its copy targets."""

    def __init__(self, service: RunningService, folder: Path, s3: S3Server, rclone: Path) -> None:
        self.service = service
        self.folder = folder
        self.s3 = s3
        self._rclone = rclone
        self._made = 0

    def keep(
        self, *, size: int = 300_000, age: int = 0, vm: str = "web", id_: str = "", **about: Any
    ) -> tuple[str, Path]:
        """A kept backup that is so many days old; its id and its folder."""
        self._made += 1
        id_ = id_ or f"{self._made:04x}{random.randbytes(6).hex()}"
        made = NOW - timedelta(days=age, minutes=1)
        return id_, keep_signed(self.service.data_dir, id_, made, vm=vm, content=content(size, self._made), **about)

    def rclone(self, *words: str) -> str:
        """What rclone prints."""
        environment = os.environ | {"RCLONE_CONFIG": str(self.folder / "rclone.conf")}
        done = subprocess.run([str(self._rclone), *words], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def at(self, target: str) -> str:
        """Where the copies of a target are, for rclone."""
        return {
            "nas": str(self.folder / "nas"),
            "s3": "s3:vms/copies",
            "crypt": "crypt:copies",
            "sftp": "sftp:copies",
        }[target]

    def sums(self, target: str, backup: str) -> dict[str, str]:
        """The SHA-256 of each file of a copy, by its name."""
        lines = self.rclone("hashsum", "sha256", "--download", f"{self.at(target)}/{backup}").splitlines()
        return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def config(folder: Path, rclone: Path) -> str:
    """The copy targets, as a team writes them."""
    found = [
        f'[copy.{name}]\nkind = "directory"\npath = "{folder / path}"\nidle_seconds = 60\n'
        for name, path in {"nas": "nas", "small": "disk/data"}.items()
    ]
    program = {
        "absent": "no-such-program-at-all",
        "hangs": f"{folder / 'hangs'}",
        "chatters": f"{folder / 'chatters'}",
        "slow": f"{rclone} --bwlimit 4M",
    }
    where = {"s3": "s3:vms/copies", "crypt": "crypt:copies", "sftp": "sftp:copies", "refused": "refused:vms"}
    where |= {"locked": "s3:locked/copies"} | dict.fromkeys(program, "s3:vms/other")
    keep = {"locked": 'keep = "1"\n'}
    for name, remote in where.items():
        found.append(
            f'[copy.{name}]\nkind = "rclone"\nremote = "{remote}"\nconfig_file = "{folder / "rclone.conf"}"\n'
            f'program = "{program.get(name, rclone)}"\n{keep.get(name, "")}'
            f"idle_seconds = {5 if name in SHORT else 60}\n"
        )
    return "\n".join(found)


def remotes(folder: Path, s3: S3Server, sftp: SftpServer, rclone: Path) -> str:
    """The remotes of rclone."""
    secret = subprocess.run(
        [str(rclone), "obscure", "correct-horse-battery"], capture_output=True, text=True, check=True
    ).stdout.strip()
    s3_words = f"type = s3\nprovider = Other\nendpoint = {s3.url}\naccess_key_id = {s3.key_id}\n"
    port = next(line.split()[1] for line in sftp.config.read_text().splitlines() if line.startswith("Port"))
    return (
        f"[s3]\n{s3_words}secret_access_key = {s3.key}\n\n"
        f"[refused]\n{s3_words}secret_access_key = wrong\n\n"
        f"[crypt]\ntype = crypt\nremote = s3:secret\npassword = {secret}\n\n"
        f"[sftp]\ntype = sftp\nhost = 127.0.0.1\nport = {port}\nuser = vmkops\n"
        f"key_file = {sftp.config.with_name('person')}\nknown_hosts_file = {sftp.config.with_name('known')}\n"
        "shell_type = none\n"
    )


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    """The service, and what is behind its targets."""
    for peer in ("weed", "curl", "asyncssh", "ssh"):
        require(peer)
    folder, rclone = tmp_path_factory.mktemp("copies"), require("rclone")
    (folder / "nas").mkdir()
    for name, words in (("hangs", "exec sleep 54329"), ("chatters", "printf '\\033[31mboom' >&2; exit 7")):
        (folder / name).write_text(f"#!/bin/sh\n{words}\n")
        (folder / name).chmod(0o700)
    with S3Server() as s3, SftpServer() as sftp:
        s3.make_locked_bucket("locked")
        (folder / "rclone.conf").write_text(remotes(folder, s3, sftp, rclone))
        (folder / "rclone.conf").chmod(0o600)
        (folder / "vmkops.toml").write_text(config(folder, rclone))
        with RunningService(folder / "data", {"VMKOPS_CONFIG": str(folder / "vmkops.toml")}) as service:
            yield Copies(service, folder, s3, rclone)
