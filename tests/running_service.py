"""Our own service as people run it: a child process on a free port, driven over HTTP and by signals."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from knowledge.procedure_store.store import Store
from service.api.settings import read_settings
from service.jobs.tables import make_tables
from service.store.database import open_database
from service.store.tokens import Tokens
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.prefork import Forked
from tests.prefork import run as run_forked

VMKOPS = str(Path(sys.executable).with_name("vmkops"))
READY = "vmkops serves at "
ANNA, BOB, CAROL = "slack:U0ANNA", "slack:U0BOB", "slack:U0CAROL"
OPERATORS = {"VMKOPS_SLACK_OPERATORS": "U0ANNA U0BOB U0CAROL U0P0 U0P1 U0P2 U0P3 U0P4 U0P5 U0P6 U0P7"}
"""The setting that lets these people operate through a bot."""


def vcenter_settings(vcsim: Vcsim) -> dict[str, str]:
    """The settings that point a service at this simulator."""
    return {
        "VMKOPS_VCENTER_URL": vcsim.url,
        "VMKOPS_VCENTER_USER": vcsim.user,
        "VMKOPS_VCENTER_PASSWORD": vcsim.password,
        "VMKOPS_VCENTER_CA_FILE": str(vcsim.ca_file),
    }


def make_token(environment: dict[str, str], scope: str, name: str = "test", *, delegate: bool = False) -> str:
    """A token, as `vmkops token create NAME --scope S` makes it, without waiting for the command."""
    kept = ("VMKOPS_DATA_DIR", "VMKOPS_DATABASE_URL")
    engine = open_database(read_settings({name: environment[name] for name in kept if name in environment}))
    try:
        return Tokens(engine, frozenset()).create(name, scope, delegate=delegate)
    finally:
        engine.dispose()


@cache
def _first_files() -> dict[str, bytes]:
    """The index of the built-in procedures and the tables of jobs, as a service leaves them when it first starts."""
    with tempfile.TemporaryDirectory() as folder:
        Store.open(Path(folder, "procedures.sqlite")).close()
        make_tables(f"sqlite:///{folder}/jobs.sqlite")
        files = {each.name: each.read_bytes() for each in Path(folder).iterdir()}
    assert files.keys() == {"procedures.sqlite", "jobs.sqlite"}, "everything is in the databases themselves"
    return files


class RunningService:
    """`vmkops serve` in a data directory of its own; a context manager. `token` may operate."""

    def __init__(self, data_dir: Path, settings: dict[str, str] | None = None, token: str = "") -> None:
        self.data_dir = data_dir
        self.token = token
        self._bot_token = ""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("VMKOPS_", "SLACK_"))}
        self.environment = {
            **kept,
            "VMKOPS_DATA_DIR": str(data_dir),
            "VMKOPS_RATE_LIMIT": "1000000",
            **(settings or {}),
        }
        self.url = ""
        self._own_python = any(name.startswith("PYTHON") for name in settings or {})
        self._process: Forked | subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile("w+")
        self.token = self.token or make_token(self.environment, "operate")
        self._give_files()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill(signal.SIGTERM)
        self._log.close()

    def bot_token(self) -> str:
        """The token of a Slack bot of its own: it may operate, and act for people."""
        if not self._bot_token:
            self._bot_token = make_token(self.environment, "operate", "bot", delegate=True)
        return self._bot_token

    def call_as(self, person: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Call the service as the bot does for a person, such as `slack:U0ANNA`."""
        return self.call(method, path, body, token=self.bot_token(), headers={"X-On-Behalf-Of": person})

    def start(self) -> None:
        """Start the service and wait until it serves; on a second start it takes the same port."""
        port = str(urllib.parse.urlsplit(self.url).port) if self.url else "0"
        words = ["serve", "--port", port]
        if self._own_python:  # what changes the interpreter needs a new one
            self._process = subprocess.Popen(
                [VMKOPS, *words],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
            )
        else:
            self._process = Forked(words, self.environment, self._log)
        assert self._process.stdout is not None
        line = next((line for line in self._process.stdout if READY in line), "")
        if not line:
            raise RuntimeError(f"the service did not start:\n{self.log()}")
        self.url = line.partition(READY)[2].strip()
        self._process.stdout.close()  # it prints nothing more

    def _give_files(self) -> None:
        """Give a new data directory what takes most of the CPU time of a first start to make."""
        if self._own_python or not self.data_dir.is_dir():
            return
        for name, content in _first_files().items():
            if name == "jobs.sqlite" and "VMKOPS_DATABASE_URL" in self.environment:
                continue
            with contextlib.suppress(FileExistsError), (self.data_dir / name).open("xb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(content)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """End the service by a signal and return its exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(timeout=60)

    def has_ended(self) -> bool:
        """Whether the process has ended."""
        assert self._process is not None
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """What the service wrote to its log."""
        self._log.seek(0)
        return self._log.read()

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run `vmkops WORDS` against this service in a fork and wait for it."""
        environment = {**self.environment, "VMKOPS_SERVICE_URL": self.url, "VMKOPS_TOKEN": self.token, **more}
        if self._own_python:
            return subprocess.run(
                [VMKOPS, *words], env=environment, capture_output=True, text=True, timeout=180, check=False
            )
        return run_forked(words, environment, timeout=180)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Call the service and return the status and the JSON body; the operator's token unless `token` is given."""
        sent = {"Authorization": f"Bearer {self.token if token is None else token}", **(headers or {})}
        if token == "":
            del sent["Authorization"]
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def send(self, path: str, file: bytes, media: str) -> tuple[int, Any]:
        """POST a file as it is, without a token, and return the status and the JSON body."""
        request = urllib.request.Request(self.url + path, data=file, headers={"Content-Type": media}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def delete(self, path: str) -> int:
        """DELETE the path and return the status."""
        request = urllib.request.Request(
            self.url + path, method="DELETE", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)

    def backup(self, vm: str, **params: str) -> dict[str, Any]:
        """Start a backup and return the job."""
        status, job = self.call("POST", "/actions/backup", {"params": {"vm": vm, **params}})
        assert status == 202, job
        return dict(job)

    def job(self, job_id: str) -> dict[str, Any]:
        """A job as it is now."""
        status, job = self.call("GET", f"/jobs/{job_id}")
        assert status == 200, job
        return dict(job)

    def ended(self, job_id: str, *, timeout: float = 180) -> dict[str, Any]:
        """Wait until the job has ended and return it."""

        def final() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["state"] in {"succeeded", "partial", "failed", "cancelled"} else None

        job = wait_for(final, timeout=timeout, what=f"the end of job {job_id}", explain=self.log)
        assert job is not None
        return job

    def reading(self, job_id: str, at_least: int = 1) -> dict[str, Any]:
        """Wait until the job has read so many bytes and return it."""

        def far_enough() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if (job["progress"] or {}).get("done", 0) >= at_least else None

        job = wait_for(far_enough, timeout=60, what=f"data of job {job_id}", explain=self.log)
        assert job is not None
        return job
