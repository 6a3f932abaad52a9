"""Mounting disk images, which needs permissions that no package brings."""

from __future__ import annotations

import os
import tempfile
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
