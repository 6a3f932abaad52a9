"""A PostgreSQL of a test's own: a fresh cluster in a folder, on a port of this machine."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.fetch import obtain


class Postgres:
    """A context manager; `url` is what VMKOPS_DATABASE_URL takes. It refuses to run as root, so it runs as nobody."""

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        shutil.copytree(_new_cluster(), self._folder / "data")
        for path in (self._folder, *self._folder.rglob("*")):
            _give_to_server(path)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        data = str(self._folder / "data")
        self._options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {self._folder}"
        self._run(
            "pg_ctl",
            "--pgdata",
            data,
            "--wait",
            "--log",
            str(self._folder / "log"),
            "--options",
            self._options,
            "start",
        )
        self.url = f"postgresql://vmkops@127.0.0.1:{port}/postgres"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("pg_ctl", "--pgdata", str(self._folder / "data"), "--mode", "immediate", "stop")
        shutil.rmtree(self._folder)

    def use_certificate(self, certificate: bytes, key: bytes) -> None:
        """Offer TLS with this certificate from now on; both are PEM. Connections without TLS are still possible."""
        for name, content in (("server.crt", certificate), ("server.key", key)):
            file = self._folder / "data" / name
            file.write_bytes(content)
            file.chmod(0o600)
            _give_to_server(file)
        with (self._folder / "data" / "postgresql.auto.conf").open("a") as settings:
            settings.write("ssl = on\n")
        self._run("pg_ctl", "--pgdata", str(self._folder / "data"), "--wait", "--options", self._options, "restart")

    @contextlib.contextmanager
    def copy_of_one_moment(self) -> Iterator[str]:
        """The port of a second server on a copy of the files of this one, taken while all its processes stand still.

        That is what a snapshot of a VM has: the files of one moment, and nothing that the server has only in memory.
        """
        postmaster = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        stopped = [postmaster, *_children(postmaster)]
        with Postgres() as other:
            other._run("pg_ctl", "--pgdata", str(other._folder / "data"), "--mode", "immediate", "stop")
            shutil.rmtree(other._folder / "data")
            for each in stopped:
                os.kill(each, signal.SIGSTOP)
            try:
                shutil.copytree(self._folder / "data", other._folder / "data")
            finally:
                for each in stopped:
                    os.kill(each, signal.SIGCONT)
            (other._folder / "data" / "postmaster.pid").unlink()
            for path in (other._folder, *other._folder.rglob("*")):
                _give_to_server(path)
            started = ("--pgdata", str(other._folder / "data"), "--wait", "--options", other._options)
            other._run("pg_ctl", *started, "--log", str(other._folder / "log"), "start")
            yield other.url.rpartition(":")[2].partition("/")[0]

    def _run(self, program: str, *words: str) -> None:
        _run(self._folder, program, *words)


def _children(process: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(stat.parent.name))
    return found


@functools.cache
def _new_cluster() -> Path:
    """The data of a cluster that was never started, to copy: to make it takes a second of CPU time."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    atexit.register(shutil.rmtree, folder)
    _give_to_server(folder)
    data = folder / "data"
    _run(folder, "initdb", "--pgdata", str(data), "--username", "vmkops", "--auth", "trust", "--no-sync")
    return data


def _give_to_server(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, "nobody")


def _run(folder: Path, program: str, *words: str) -> None:
    nobody = pwd.getpwnam("nobody")
    who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [str(obtain("postgres").resolve().parent / program), *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **who,  # type: ignore[arg-type]
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program} failed: {done.stderr}")
