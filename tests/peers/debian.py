"""Programs that come with a Debian package: found where they are, or installed by apt-get when this is root."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.peers.commands import PEERS, PeerUnavailableError, run
from tests.peers.waiting import wait_for

LOCKED = "Could not get lock"
LOCK_SECONDS = 300
"""How long another apt on this machine, such as an unattended upgrade, may hold apt's locks."""


@dataclass(frozen=True)
class Debian:
    """A program, by any of its `names`, and the Debian package that has it.

    `folders` is a pattern of absolute folders that are searched before the path; of several, the last one wins.
    """

    package: str
    names: tuple[str, ...]
    folders: str = ""

    def __call__(self) -> Path:
        """Return the program's path, installing its package if need be; PeerUnavailableError says why not."""
        found = self.find()
        if found is None:
            install([self])
            found = self.find()
        if found is None:
            raise PeerUnavailableError(f"{self.package} is installed, but {self.names[0]} is not on the path")
        return found

    def find(self) -> Path | None:
        """Return the program's path, or None when it is not on this machine."""
        for name in self.names:
            if self.folders:
                kept = sorted(Path("/").glob(f"{self.folders.lstrip('/')}/{name}"))
                if kept:
                    return kept[-1]
            found = shutil.which(name)
            if found:
                return Path(found)
        return None


@dataclass(frozen=True)
class Unpacked:
    """A program of a Debian package that is not installed, because its package would start a daemon.

    It is taken from the path when it is there. Otherwise, the package is fetched and unpacked under `.peers/`, for
    which nobody has to be root; `file` is its path in the package. What it needs from other packages is unpacked
    beside it: with such a need, it is never taken from the path.
    """

    package: str
    file: str
    beside: tuple[str, ...] = ()

    def __call__(self) -> Path:
        """Return the program's path, fetching its package if need be; PeerUnavailableError says why not."""
        if not self.beside and (found := shutil.which(Path(self.file).name)):
            return Path(found)
        target = PEERS / self.package
        if not target.is_dir():
            self._fetch(target)
        return target / self.file

    def _fetch(self, target: Path) -> None:
        if shutil.which("apt-get") is None:
            raise PeerUnavailableError(
                f"{Path(self.file).name} is missing: use your package manager to install what Debian calls "
                f"{self.package}"
            )
        half = target.with_name(f"{target.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        outdated = update() if os.geteuid() == 0 else ""
        try:
            _apt_get("download", self.package, *self.beside, cwd=half)
        except PeerUnavailableError as error:
            raise PeerUnavailableError(f"{Path(self.file).name} is missing: {error}{outdated}") from error
        for package in sorted(half.glob("*.deb")):
            run(["dpkg-deb", "--extract", str(package), str(half)], what=f"unpacking {package.name}")
            package.unlink()
        half.rename(target)


def install(programs: Iterable[Debian]) -> None:
    """Install the packages of these programs with one apt-get; PeerUnavailableError says why that is not possible."""
    wanted = list(programs)
    names = ", ".join(sorted(program.names[0] for program in wanted))
    packages = sorted({program.package for program in wanted})
    missing = f"{names} {'is' if len(wanted) == 1 else 'are'} missing"
    if shutil.which("apt-get") is None:
        raise PeerUnavailableError(
            f"{missing}: use your package manager to install what Debian calls {' '.join(packages)}"
        )
    if os.geteuid() != 0:
        raise PeerUnavailableError(f"{missing}: `sudo apt-get install {' '.join(packages)}`")
    outdated = update()
    try:
        _apt_get("install", "-y", "--no-install-recommends", *packages)
    except PeerUnavailableError as error:
        raise PeerUnavailableError(f"{missing}: {error}{outdated}") from error


@functools.cache
def update() -> str:
    """Fetch the package lists once in this process, and return why that failed, or nothing.

    A failure is no reason to give up: one broken source of many fails the update, and older lists often still hold.
    """

    def updated() -> bool:
        try:
            _apt_get("update")
        except PeerUnavailableError as error:
            if LOCKED in str(error):  # DPkg::Lock::Timeout does not cover the lists
                return False
            raise
        return True

    try:
        wait_for(updated, timeout=LOCK_SECONDS, what="another apt-get to end")
    except (PeerUnavailableError, TimeoutError) as error:
        return f"\n{error}"
    return ""


def _apt_get(*words: str, cwd: Path | None = None) -> None:
    run(
        ["apt-get", *words, "-qq", "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}", "-o", "Acquire::Retries=3"],
        cwd=cwd,
        what=f"apt-get {' '.join(words)}",
        DEBIAN_FRONTEND="noninteractive",
        LC_ALL="C",
        PATH=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin",  # dpkg refuses to work without them
    )
