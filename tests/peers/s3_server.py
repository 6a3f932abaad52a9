"""A store with Amazon's S3 interface: SeaweedFS, in one process and one folder, on ports of this machine."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.fetch import obtain
from tests.peers.process import PeerProcess
from tests.peers.waiting import wait_for

LOCK = """<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<ObjectLockEnabled>Enabled</ObjectLockEnabled>
<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule>
</ObjectLockConfiguration>"""


STARTS = 4
"""How often the server is started, on other ports each time."""


class S3Server:
    """A context manager; `url` is where it is, and `key_id` and `key` are who may use it."""

    key_id = "vmkops"
    key = "the-key-of-the-store"

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="s3-"))
        who = {"name": "vmkops", "credentials": [{"accessKey": self.key_id, "secretKey": self.key}]}
        (self._folder / "s3.json").write_text(json.dumps({"identities": [who | {"actions": ["Admin"]}]}))
        (self._folder / "data").mkdir()
        # Another program can take a port between the look for free ones and the start.
        for _ in range(STARTS):
            self._start()
            with contextlib.suppress(TimeoutError):
                wait_for(lambda: self._answers() or self._has_ended(), timeout=120, what="the S3 server")
            if not self._has_ended() and self._answers():
                return self
            said = self._process.stop()
        raise RuntimeError(f"the S3 server does not start:\n{said}")

    def _start(self) -> None:
        # Each part also listens on a second port, by default 10,000 above the first, which may be taken.
        ports = _free_ports(8)
        parts = dict(zip(("s3.port", "master.port", "volume.port", "filer.port"), ports[:4], strict=True))
        more = dict(
            zip(("s3.port.grpc", "master.port.grpc", "volume.port.grpc", "filer.port.grpc"), ports[4:], strict=True)
        )
        options = [f"-{name}={port}" for name, port in (parts | more).items()]
        self.port = parts["s3.port"]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = PeerProcess(
            [
                str(obtain("weed")),
                "server",
                "-ip=127.0.0.1",
                f"-dir={self._folder / 'data'}",
                "-s3",
                "-s3.port.iceberg=0",  # these two have fixed ports, which a second server would find taken
                "-s3.port.lance=0",
                f"-s3.config={self._folder / 's3.json'}",
                "-master.volumeSizeLimitMB=64",
                "-volume.max=200",  # each bucket takes seven
                *options,
            ],
            ended_by="KILL",
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stop()
        shutil.rmtree(self._folder)

    def make_locked_bucket(self, name: str) -> None:
        """Make a bucket whose objects nobody can change or delete for a day, whoever asks."""
        assert self.call("PUT", f"/{name}", {"x-amz-bucket-object-lock-enabled": "true"})[0] == 200
        body = LOCK.encode()
        sums = {
            "Content-MD5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode(),
            "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        }
        assert self.call("PUT", f"/{name}?object-lock=", sums, LOCK)[0] == 200

    def call(self, method: str, path: str, headers: Mapping[str, str] = {}, body: str = "") -> tuple[int, str]:
        """Make a signed call; returns the status and the answer."""
        words = [str(obtain("curl")), "--silent", "--request", method, "--write-out", "\n%{http_code}"]
        words += ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{self.key_id}:{self.key}"]
        for name, value in headers.items():
            words += ["--header", f"{name}: {value}"]
        if body:
            words += ["--data-binary", body]
        done = subprocess.run([*words, self.url + path], capture_output=True, text=True, check=True)
        answer, _, status = done.stdout.rpartition("\n")
        return int(status), answer

    def _has_ended(self) -> bool:
        return self._process.process.poll() is not None

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 403
        except OSError:
            return False
        finally:
            connection.close()


def _free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
