"""A data directory that an older version left, and the simulator as that version left it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.upgrade.record import BACKUPS_DIR, FLAGS, SNAPSHOTS, put_disks
from tests.e2e.upgrade.recording import BACKUPS, BEFORE, RECORDINGS, restore
from tests.peers.fetch import require
from tests.peers.person import take_snapshot
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings


def as_before(now: Any, was: Any) -> Any:
    """What a version answers now, without the names that it has in addition to those of the older one."""
    if isinstance(was, dict) and isinstance(now, dict):
        return {name: as_before(now[name], value) for name, value in was.items()}
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        return [as_before(*pair) for pair in zip(now, was, strict=True)]
    return now


@dataclass(frozen=True, kw_only=True)
class Left:
    """What is there before the upgrade; `before` is what the older version answered when it last ran."""

    data_dir: Path
    vcenter: Vcsim
    before: Mapping[str, Any]

    def change(self, database: str, sql: str, *values: object) -> None:
        """Change the restored data before anything runs on it."""
        with contextlib.closing(sqlite3.connect(self.data_dir / f"{database}.sqlite")) as connection:
            connection.execute(sql, values)
            connection.commit()

    def rows(self, database: str, sql: str) -> list[tuple[Any, ...]]:
        """What a database holds now."""
        with contextlib.closing(sqlite3.connect(self.data_dir / f"{database}.sqlite")) as connection:
            return connection.execute(sql).fetchall()

    def job_id(self, name: str) -> str:
        """The id of a job by its name in the recording."""
        return str(self.before["jobs"][name])

    def answered(self, name: str) -> dict[str, Any]:
        """A job as the older version last answered it."""
        return dict(self.before["answers"][f"/jobs/{self.job_id(name)}"])

    def service(self, more: Mapping[str, str] | None = None) -> RunningService:
        """The service of this checkout on that data, with more settings, for whoever has the recorded token."""
        settings = vcenter_settings(self.vcenter) | {"VMKOPS_REAP_SECONDS": "1", **(more or {})}
        return RunningService(self.data_dir, settings, token=self.before["token"])


@pytest.fixture(scope="module", params=sorted(RECORDINGS.iterdir()), ids=lambda folder: folder.name)
def recording(request: pytest.FixtureRequest) -> Path:
    """The recording of a version."""
    return Path(request.param)


@contextlib.contextmanager
def leaving(recording: Path, data_dir: Path, *, snapshots: bool = True) -> Iterator[Left]:
    """The restored data and a simulator, with the snapshots that the older version had taken or without them."""
    require("vcsim")
    taken = json.loads((recording / BEFORE).read_text())["snapshots"]
    with Vcsim(FLAGS) as vcenter:
        put_disks(vcenter)
        words = {BACKUPS_DIR: str(data_dir / BACKUPS), **dict.fromkeys(SNAPSHOTS.values(), "snapshot-0")}
        for vm, snapshot in taken.items() if snapshots else ():
            take_snapshot(vcenter, vm, snapshot["name"], snapshot["description"])
            words[SNAPSHOTS[vm]] = vcenter.snapshots()[vm][0]["moref"]
        vcenter.reset_calls()
        before = restore(recording, data_dir, words)
        left = Left(data_dir=data_dir, vcenter=vcenter, before=before)
        # A schedule whose time came while nobody ran fires at the start; when the test runs must not decide that.
        left.change("jobs", "UPDATE workflow_schedules SET last_fired_at = ?", datetime.now(UTC).isoformat())
        yield left


@pytest.fixture
def left(recording: Path, tmp_path: Path) -> Iterator[Left]:
    """What an older version left, for a test that changes it."""
    with leaving(recording, tmp_path / "data") as left:
        yield left
