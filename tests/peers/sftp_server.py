"""A folder behind SFTP: an SSH server on a port of this machine, with keys of a test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.fetch import obtain
from tests.peers.process import PeerProcess

SERVE = """
import asyncio, sys
import asyncssh

class Server(asyncssh.SFTPServer):
    def exit(self):  # OpenSSH's server ends well too, and some clients look
        self.channel.exit(0)

async def serve(folder):
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[f"{folder}/host"], authorized_client_keys=f"{folder}/person.pub",
        sftp_factory=lambda channel: Server(channel, chroot=f"{folder}/store"),
    )
    print("listening on", server.get_port(), flush=True)
    await server.wait_closed()

asyncio.run(serve(sys.argv[1]))
"""


class SftpServer:
    """A context manager; `store` is the folder that it serves, and `config` the settings for `ssh HOST`."""

    HOST = "store"

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="sftp-"))
        self.store = self._folder / "store"
        self.store.mkdir()
        for name in ("host", "person"):
            words = ["-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / name)]
            subprocess.run([str(obtain("ssh").with_name("ssh-keygen")), *words], check=True)
        before = {**os.environ, "PYTHONPATH": str(obtain("asyncssh"))}
        self._process = PeerProcess([sys.executable, "-c", SERVE, str(self._folder)], environment=before)
        port = self._process.line_with("listening on").split()[-1]
        host_key = (self._folder / "host.pub").read_text()
        (self._folder / "known").write_text(f"[127.0.0.1]:{port} {host_key}")
        self.config = self._folder / "config"
        self.config.write_text(
            f"Host {self.HOST}\nHostName 127.0.0.1\nPort {port}\nUser vmkops\nBatchMode yes\n"
            f"IdentityFile {self._folder / 'person'}\nUserKnownHostsFile {self._folder / 'known'}\n"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stop()
        shutil.rmtree(self._folder)
