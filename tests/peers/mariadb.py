"""A MariaDB of a test's own: a fresh data directory in a folder, on a socket in it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.peers.fetch import obtain
from tests.peers.waiting import wait_for


class MariaDb:
    """A context manager; `options` is a file for `--defaults-extra-file` of the client, with which it is root."""

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
        self.folder.chmod(0o755)
        data, self._socket = self.folder / "data", self.folder / "socket"
        data.mkdir()
        self.options = self.folder / "client.cnf"
        self.options.write_text(f"[client]\nuser=root\nsocket={self._socket}\n")
        self.options.chmod(0o600)
        who: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in (self.folder, data):
                shutil.chown(path, "nobody")
        common = [f"--datadir={data}", f"--tmpdir={self.folder}"]
        install = [
            str(obtain("mariadb-install-db")),
            "--no-defaults",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ]
        made = subprocess.run([*install, *common], cwd=self.folder, capture_output=True, text=True, check=False, **who)
        if made.returncode != 0:
            raise RuntimeError(f"mariadb-install-db failed: {made.stdout[-2000:]}{made.stderr[-2000:]}")
        words = ["--no-defaults", *common, f"--socket={self._socket}", "--skip-networking", "--skip-grant-tables=0"]
        with (self.folder / "log").open("w") as log:
            self._server = subprocess.Popen(
                [str(obtain("mariadbd")), *words], stdout=log, stderr=log, cwd=self.folder, **who
            )
        wait_for(lambda: self.try_sql("SELECT 1") is not None, what="MariaDB", explain=(self.folder / "log").read_text)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.kill()
        self._server.wait()
        shutil.rmtree(self.folder)

    def try_sql(self, *statements: str) -> str | None:
        """What the statements print, one session for all; None when one of them fails."""
        client = [str(obtain("mariadb")), f"--defaults-extra-file={self.options}", "--batch", "--skip-column-names"]
        done = subprocess.run(
            [*client, "--execute", "; ".join(statements)], capture_output=True, text=True, check=False
        )
        return done.stdout if done.returncode == 0 else None
