"""A Bacula of a test's own: director, storage daemon and file daemon with a catalog in SQLite, in a folder."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.process import PeerProcess
from tests.peers.waiting import wait_for

LIBRARIES = ("usr/lib/bacula", "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu")
TABLES = "usr/share/dbconfig-common/data/bacula-director-sqlite3/install/sqlite3"
CATALOG = """\
Catalog {{ Name = "Catalog"; dbname = "bacula"; dbuser = ""; dbpassword = "" }}
Client {{ Name = "vmkops-fd"; Address = 127.0.0.1; FDPort = {fd}; Catalog = "Catalog"; Password = "test" }}
Storage {{
  Name = "File"; Address = 127.0.0.1; SDPort = {sd}; Password = "test"; Device = "Folder"; Media Type = "File"
}}
Pool {{ Name = "Default"; Pool Type = Backup; Label Format = "Volume" }}
Messages {{ Name = "Standard"; console = all }}
"""
NAMED = 'Name = "vmkops-{name}"; WorkingDirectory = "{work}"; PidDirectory = "{work}"; Messages = "Standard"'
DIR = 'Director {{ {named}; QueryFile = "/dev/null"; Password = "test"; DIRport = {dir}; DirAddress = 127.0.0.1 }}\n'
SD = """\
Storage {{ {named}; SDPort = {sd}; SDAddress = 127.0.0.1 }}
Device {{
  Name = "Folder"; Media Type = "File"; Archive Device = "{volumes}"; LabelMedia = yes; Random Access = yes
  AutomaticMount = yes; RemovableMedia = no; AlwaysOpen = no
}}
"""
FD = "FileDaemon {{ {named}; FDport = {fd}; FDAddress = 127.0.0.1 }}\n"
KNOWN = """\
Director {{ Name = "vmkops-dir"; Password = "test" }}
Messages {{ Name = "Standard"; director = vmkops-dir = all }}
"""
CONSOLE = 'Director {{ Name = "vmkops-dir"; DIRport = {dir}; address = 127.0.0.1; Password = "test" }}\n'
RESTORE = """\
Job {{
  Name = "restore"; Type = Restore; Client = "vmkops-fd"; FileSet = "{fileset}"; Storage = "File"; Pool = "Default"
  Messages = "Standard"; Where = "{folder}/restored"
}}
"""


class Bacula:
    """A context manager. `jobs` is the configuration of jobs; they name the client, storage and pool of CATALOG."""

    def __init__(self, programs: Path, folder: Path, jobs: str, fileset: str, environment: Mapping[str, str]) -> None:
        """`programs` is where Debian's packages are unpacked; the scripts of the jobs run with `environment`."""
        self._programs = programs
        self._folder = folder
        self._jobs = jobs
        self._fileset = fileset
        libraries = ":".join(str(programs / each) for each in LIBRARIES)
        self._environment = {**environment, "LD_LIBRARY_PATH": libraries}

    def __enter__(self) -> Self:
        work, volumes = self._folder / "work", self._folder / "volumes"
        work.mkdir()
        volumes.mkdir()
        with contextlib.closing(sqlite3.connect(work / "bacula.db")) as database:
            database.executescript((self._programs / TABLES).read_text())
        ports = dict(zip(("dir", "sd", "fd"), _free_ports(3), strict=True))
        values = {**ports, "work": work, "volumes": volumes, "folder": self._folder, "fileset": self._fileset}

        def written(name: str, *parts: str, own: str = "") -> Path:
            file = self._folder / f"{name}.conf"
            named = NAMED.format(name=name, work=work).removesuffix('; Messages = "Standard"' if not own else "")
            file.write_text("".join(part.format(named=named, **values) for part in parts) + own)
            return file

        self._console = written("console", CONSOLE)
        files = {
            "sd": written("sd", SD, KNOWN),
            "fd": written("fd", FD, KNOWN),
            "dir": written("dir", DIR, CATALOG, RESTORE, own=self._jobs),
        }
        self._daemons: list[PeerProcess] = []
        for name, file in files.items():
            self._daemons.append(PeerProcess(self._command(f"bacula-{name}", "-f", "-c", str(file))))
            wait_for(lambda name=name: _answers(ports[name]), what=f"bacula-{name}", explain=self._daemons[-1].said)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for daemon in reversed(self._daemons):
            daemon.stop()

    def say(self, *commands: str) -> str:
        """Give commands to the console, and return what it printed."""
        words = "\n".join([*commands, "quit", ""])
        command = self._command("bconsole", "-c", str(self._console))
        done = subprocess.run(command, input=words, capture_output=True, text=True, timeout=300, check=True)
        return done.stdout

    def run(self, job: str) -> str:
        """Run a job to its end, and return its messages."""
        return self.say(f"run job={job} yes", "wait", "messages")

    def restore(self, job_id: int) -> Path:
        """Restore all files of a job, and return the folder that stands for the root of their paths."""
        self.say(f"restore jobid={job_id} all done yes", "wait", "messages")
        return self._folder / "restored"

    def _command(self, program: str, *words: str) -> list[str]:
        variables = [f"{name}={value}" for name, value in self._environment.items()]
        return ["env", *variables, str(self._programs / "usr/sbin" / program), *words]


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [each.getsockname()[1] for each in sockets]


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False
