"""Mounting disk images and small disks in memory, which needs permissions that no package brings."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.peers.commands import MachineUnableError, PeerUnavailableError, run
from tests.peers.debian import Debian

MOUNT = Debian("mount", ("mount",))
MKE2FS = Debian("e2fsprogs", ("mke2fs",), folders="/usr/sbin")


def loop_mount() -> Path:
    """Mount an image to see that this machine can, and return the path of mount.

    MachineUnableError when this is not root or the machine offers no loop devices, as in an ordinary container.
    """
    mount, mke2fs = MOUNT(), MKE2FS()
    if os.geteuid() != 0:
        raise MachineUnableError("only root mounts disk images: run this as root")
    with tempfile.TemporaryDirectory(prefix="loop-") as name:
        image, point = Path(name, "image"), Path(name, "mounted")
        point.mkdir()
        with image.open("wb") as file:
            file.truncate(1 << 20)
        run([str(mke2fs), "-q", "-F", str(image)], what="making an image")
        try:
            run([str(mount), "-o", "loop", str(image), str(point)], what="mounting an image")
        except PeerUnavailableError as error:
            said = str(error).splitlines()[1]  # the first line names the command
            needed = "use a machine with loop devices, or a privileged container"
            raise MachineUnableError(f"disk images cannot be mounted here: {needed} ({said})") from error
        run(["umount", str(point)], what="unmounting the image")
    return mount


def tmpfs_mount() -> Path:
    """Mount a small file system in memory to see that this machine can, and return the path of mount.

    MachineUnableError when this is not root, or in a container that may not mount.
    """
    mount = MOUNT()
    if os.geteuid() != 0:
        raise MachineUnableError("only root mounts file systems: run this as root")
    with tempfile.TemporaryDirectory(prefix="tmpfs-") as name:
        try:
            run([str(mount), "-t", "tmpfs", "-o", "size=64k", "tmpfs", name], what="mounting a file system in memory")
        except PeerUnavailableError as error:
            raise MachineUnableError("file systems cannot be mounted here: use a privileged container") from error
        run(["umount", name], what="unmounting it")
    return mount


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk in memory of this size, such as `64k`, mounted at a new folder, with an empty folder `data` in it."""
    mount = str(MOUNT())
    folder.mkdir()
    run([mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], what="mounting a small disk")
    try:
        (folder / "data").mkdir()
        yield folder / "data"
    finally:
        run(["umount", str(folder)], what="unmounting the small disk")


def make_read_only(folder: Path) -> None:
    """Let nobody write to the disk that is mounted at this folder."""
    run([str(MOUNT()), "-o", "remount,ro", str(folder)], what="making a disk read-only")
