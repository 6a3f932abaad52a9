"""The state of an installation goes to a file and into another one: whole, once, and to both kinds of databases."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.api.settings import Settings
from service.errors import Conflict, DataDirectoryInUse, StateRefused
from service.jobs.tables import ENGINE, POSTGRES_SCHEMA, SCHEDULES, STATUS, STEPS, make_tables
from service.state.export import export_state
from service.state.importing import Imported, import_state
from service.state.part import Fate
from service.state.parts import PARTS
from service.state.tables import NOT_CARRIED, TABLES
from service.store import database
from service.store.audit import Audit
from service.store.database import engine_url, lock_data_dir, metadata, open_database
from service.store.executors import beat
from service.store.signing import open_signer
from tests.peers.fetch import require
from tests.peers.postgres import Postgres

AT = "2026-11-01T03:00:00+00:00"
HASH = "ab" * 32
ATTRIBUTES = {"action": "backup", "target": "web-01", "params": {"vm": "web-01"}, "requested_by": "token:ops"}
WHAT = {"name": "nightly", "action": "backup", "params": {"vm": "web-01"}, "created_by": "token:ops", "token": "ops"}
WHAT |= {"changed_at": AT}


class Installation:
    """The databases and the signing key of one installation."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.settings = Settings.read({"VMKOPS_DATA_DIR": str(folder)} | ({"VMKOPS_DATABASE_URL": url} if url else {}))
        open_database(self.settings).dispose()
        make_tables(engine_url(self.settings, "jobs"))
        open_signer(self.settings)

    @contextlib.contextmanager
    def connection(self, name: str) -> Iterator[sa.Connection]:
        """A connection to `vmkops` or `jobs` that is committed at the end."""
        engine = sa.create_engine(engine_url(self.settings, name))
        schema = POSTGRES_SCHEMA if self.settings.postgres_url else None
        try:
            with engine.begin() as connection:
                yield connection.execution_options(schema_translate_map={ENGINE: schema})
        finally:
            engine.dispose()

    def put(self, table: sa.Table, **values: object) -> None:
        with self.connection("jobs" if table.schema == ENGINE else "vmkops") as connection:
            connection.execute(table.insert().values(**values))

    def rows(self, table: sa.Table, *without: str) -> list[dict[str, Any]]:
        with self.connection("jobs" if table.schema == ENGINE else "vmkops") as connection:
            found = [dict(row._mapping) for row in connection.execute(sa.select(table))]
        kept = [{name: value for name, value in row.items() if name not in without} for row in found]
        return sorted(kept, key=str)

    def trusts(self, other: Installation) -> None:
        """Let the signatures of another installation count."""
        key = (other.settings.data_dir / "signing" / "public.pem").read_bytes()
        (self.settings.data_dir / "signing" / "trusted" / "other.pem").write_bytes(key)

    def job(self, job_id: str, status: str = "SUCCESS", *, name: str = "vmkops.action", **more: object) -> None:
        """A job of the engine, with a step when it has ended."""
        known: dict[str, object] = {"name": name, "serialization": "vmkops_json", "attributes": ATTRIBUTES}
        known |= {"created_at": 1_000_000, "updated_at": 2_000_000, "priority": 0, "application_version": "2"}
        known |= {"started_at_epoch_ms": 1_500_000, "queue_name": "actions", "executor_id": "esx-ops-4711-a1b2c3"}
        ended = {"completed_at": 2_000_000, "output": '{"state":"succeeded","result":{"id":"b1"}}'}
        self.put(STATUS, workflow_uuid=job_id, status=status, **known | (ended if status == "SUCCESS" else {}) | more)
        step = {"function_id": 1, "function_name": "copy the disks: disk 0", "retention_timestamp": 0}
        output = '{"detail":"24 MB","secret":"s3cret"}'
        self.put(STEPS, workflow_uuid=job_id, output=output, serialization="vmkops_json", **step)


CARRIED = [each.table for each in TABLES]


def fill(here: Installation) -> None:
    """A row of each kind; texts have what is difficult."""
    here.put(database.tokens, name="ops é ☑", hash=HASH, scope="operate", created_at=AT, delegate=True)
    here.put(database.idempotency_keys, token="ops", key=HASH, request=HASH, job="job-1", created_at=AT)
    for number in range(3):
        about = {"event": "action.started", "token": "ops", "person": "", "address": "", "request": f"r{number}"}
        here.put(database.audit, at=f"2026-11-0{number + 1}T03:00:00+00:00", details={"name": "é\n"}, **about)
    of_vm = {"vcenter": "prod", "vm": "vm-7", "vm_name": "web-01"}
    here.put(
        database.snapshots, job="job-1", nonce="n1", moref="s-1", created_at=AT, removed_at=AT, trouble="", **of_vm
    )
    rate = {"host": "host-1", "datastores": "ds-1", "size": 1 << 40, "seconds": 0.1 + 0.2}
    here.put(database.copy_rates, at=AT, vcenter="prod", **rate)
    page = {"slug": "ring", "saved_at": AT, "change": "created", "token": "ops", "person": ""}
    here.put(database.page_versions, revision=1, text="# Ring\n\tthe bell ☎\n", **page)
    report = {"id": "job-1", "channel": "#ops", "schedule": "nightly", "problem": "", "created_at": AT}
    here.put(database.reports, settled_at=AT, taken_at=AT, **report)
    here.job("job-1")
    here.job(
        "sched-nightly-2026-11-01T03:00:00+00:00", name="vmkops.schedule", output='{"job":"job-1"}', attributes=None
    )
    here.put(SCHEDULES, **schedule_row())


def schedule_row(**changed: str) -> dict[str, str]:
    """The engine's row of a schedule."""
    row = {"schedule_id": "1", "schedule_name": "nightly", "workflow_name": "vmkops.schedule", "status": "ACTIVE"}
    return row | {"schedule": "0 3 * * *", "context": json.dumps(WHAT), "cron_timezone": "Europe/Berlin"} | changed


def save(here: Installation, path: Path) -> Path:
    export_state(here.settings, path, lambda _: None, lambda _: None)
    return path


def load(here: Installation, path: Path, **how: bool) -> Imported:
    return import_state(here.settings, path, **how)


def counts(done: Imported) -> dict[str, dict[Fate, int]]:
    """The counts that are not zero, by part."""
    found = {each.name: {fate: count for fate, count in each.counts.items() if count} for each in done.parts}
    return {name: each for name, each in found.items() if each}


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    require("postgres")
    with Postgres() as running:
        yield running


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str, str], Installation]:
    """Makes an installation on `sqlite` or `postgresql`, each with a database of its own."""

    def made(name: str, kind: str = "sqlite") -> Installation:
        if kind == "sqlite":
            return Installation(tmp_path / name)
        url: str = request.getfixturevalue("server").url
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
        new = f"db_{os.urandom(4).hex()}"
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {new}"))
        engine.dispose()
        return Installation(tmp_path / name, url.replace("/postgres", f"/{new}"))

    return made


Make = Callable[..., Installation]


@pytest.mark.parametrize(
    ("source", "target"), [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("postgresql", "postgresql")]
)
def test_state_goes_to_another_database_whole_and_once(make: Make, tmp_path: Path, source: str, target: str) -> None:
    old, new = make("old", source), make("new", target)
    fill(old)
    new.trusts(old)
    file = save(old, tmp_path / "x.state")

    dry = load(new, file, dry_run=True)
    assert new.rows(database.tokens) == new.rows(STATUS) == []
    first, second = load(new, file), load(new, file)

    assert counts(first) == counts(dry)
    assert {fate for each in counts(first).values() for fate in each} == {Fate.ADDED}
    assert {fate for each in counts(second).values() for fate in each} == {Fate.SAME}
    for table in CARRIED:
        own_id = [] if table in (database.reports, database.p2v_runs, database.procedure_runs) else ["id"]
        assert new.rows(table, *own_id) == old.rows(table, *own_id), table.name
    (kept,) = new.rows(SCHEDULES, "schedule_id", "context", "status", "application_name")
    assert kept == old.rows(SCHEDULES, "schedule_id", "context", "status", "application_name")[0]
    shown = ("workflow_uuid", "status", "name", "attributes", "completed_at", "started_at_epoch_ms", "executor_id")
    assert [[row[name] for name in shown] for row in new.rows(STATUS)] == [
        [row[name] for name in shown] for row in old.rows(STATUS)
    ]
    again = save(new, tmp_path / "again.state")
    assert {fate for each in counts(load(old, again, unsigned=True)).values() for fate in each} == {Fate.SAME}


def test_file_is_private_has_no_secrets_of_steps_and_is_not_overwritten(make: Make, tmp_path: Path) -> None:
    old = make("old")
    fill(old)
    before = os.umask(0)
    try:
        file = save(old, tmp_path / "x.state")
    finally:
        os.umask(before)

    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "s3cret" not in "".join(lines)
    assert "24 MB" in "".join(lines)
    assert len(lines) == sum(json.loads(lines[0])["parts"].values()) + 2
    with pytest.raises(Conflict, match="exists already"):
        save(old, file)
    with pytest.raises(StateRefused, match="cannot be written"):
        save(old, tmp_path / "nowhere" / "x.state")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["old", "x.state"]


def test_every_table_is_carried_or_left_out_for_a_reason() -> None:
    assert {each.name for each in CARRIED} | NOT_CARRIED.keys() == metadata.tables.keys()
    assert len({part.name for part in PARTS}) == len(PARTS)


def test_schedules_are_paused_unless_they_are_resumed_and_miss_no_time(make: Make, tmp_path: Path) -> None:
    old, new, other = make("old"), make("new"), make("other")
    old.put(SCHEDULES, **schedule_row())
    old.put(SCHEDULES, **schedule_row(schedule_id="2", schedule_name="off", status="PAUSED", context=named("off")))
    file = save(old, tmp_path / "x.state")

    load(new, file, unsigned=True)
    load(other, file, unsigned=True, resume_schedules=True)

    states = [{row["schedule_name"]: row["status"] for row in each.rows(SCHEDULES)} for each in (new, other)]
    assert states == [{"nightly": "PAUSED", "off": "PAUSED"}, {"nightly": "ACTIVE", "off": "PAUSED"}]
    # A start of the service catches up on the times since then.
    assert all(json.loads(row["context"])["changed_at"] > AT for row in other.rows(SCHEDULES))


def named(name: str) -> str:
    return json.dumps(WHAT | {"name": name})


def test_what_is_here_stays_as_it_is(make: Make, tmp_path: Path) -> None:
    old, new = make("old"), make("new")
    fill(old)
    new.put(database.tokens, name="ops é ☑", hash="cd" * 32, scope="read", created_at=AT, delegate=False, revoked_at=AT)
    new.put(database.tokens, name="else", hash="ef" * 32, scope="read", created_at=AT, delegate=False)
    new.put(SCHEDULES, **schedule_row(schedule="0 4 * * *"))
    new.job("job-1", "ERROR", completed_at=9)
    before = new.rows(database.tokens), new.rows(SCHEDULES), new.rows(STEPS)

    done = load(new, save(old, tmp_path / "x.state"), unsigned=True)

    named = {each.name: each.named[Fate.DIFFERS] for each in done.parts if each.counts[Fate.DIFFERS]}
    assert named == {"tokens": ["ops é ☑"], "schedules": ["nightly"], "jobs": ["job-1"]}
    assert (new.rows(database.tokens), new.rows(SCHEDULES)) == before[:2]


def test_jobs_under_way_and_what_they_hold_are_left_out(make: Make, tmp_path: Path) -> None:
    """An older copy of a database lets such jobs go on though they have ended since; a file must not."""
    old, new = make("old"), make("new")
    of_vm = {"vcenter": "prod", "vm": "vm-7", "vm_name": "web-01", "created_at": AT, "trouble": ""}
    for number, (job, status) in enumerate([("ended", "SUCCESS"), ("running", "PENDING"), ("waiting", "ENQUEUED")]):
        old.job(job, status)
        old.put(database.snapshots, job=job, nonce=f"n{number}", moref="", **of_vm)
        disk = {"number": 0, "datacenter": "dc-1", "source": "[a] x", "target": "[b] x"}
        old.put(database.disk_files, job=job, **disk, **of_vm)
        old.put(database.idempotency_keys, token="t", key=f"{number}" * 64, request=HASH, job=job, created_at=AT)
    report = {"channel": "#ops", "schedule": "", "problem": "", "created_at": AT}
    old.put(database.reports, id="ended", **report)
    file = save(old, tmp_path / "x.state")

    done = load(new, file, unsigned=True)
    assert [row["workflow_uuid"] for row in new.rows(STATUS)] == ["ended"]
    assert [row["job"] for row in new.rows(database.idempotency_keys)] == ["ended"]
    assert new.rows(database.snapshots) == new.rows(database.disk_files) == new.rows(database.reports) == []
    left = {each.name: each.named[Fate.LEFT] for each in done.parts}
    assert left["live_jobs"] == ["running (backup of web-01)", "waiting (backup of web-01)"]

    load(new, file, unsigned=True, take_over=True)
    assert [row["job"] for row in new.rows(database.snapshots)] == ["ended"]
    assert [row["id"] for row in new.rows(database.reports)] == ["ended"]
    # vmkops never deletes a file that has `used_at`: somebody may have used it since.
    assert [(row["job"], bool(row["used_at"])) for row in new.rows(database.disk_files)] == [("ended", True)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_import_waits_for_the_end_of_the_service(make: Make, tmp_path: Path, kind: str) -> None:
    old, new = make("old"), make("new", kind)
    fill(old)
    file = save(old, tmp_path / "x.state")
    with contextlib.ExitStack() as stack:
        if kind == "sqlite":
            stack.enter_context(lock_data_dir(new.settings.data_dir))
        else:
            engine = open_database(new.settings)
            stack.callback(engine.dispose)
            beat(engine, "other-1-a", "2")

        with pytest.raises((Conflict, DataDirectoryInUse)):
            load(new, file, unsigned=True)
        assert load(new, file, unsigned=True, dry_run=True).total(Fate.ADDED) > 0
    assert new.rows(database.tokens) == []


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_import_that_fails_or_is_killed_at_the_end_has_changed_nothing(make: Make, tmp_path: Path, kind: str) -> None:
    old, new = make("old"), make("new", kind)
    fill(old)
    file = save(old, tmp_path / "x.state")
    url = new.settings.postgres_url or ""
    program = (
        "import os, signal, sys; from pathlib import Path; import service.state.importing as m;"
        "from service.api.settings import Settings; at = int(sys.argv[4]); seen = []\n"
        "def read(_):\n"
        "    seen.append(1)\n"
        "    if len(seen) == at: os.kill(os.getpid(), signal.SIGKILL)\n"
        "s = {'VMKOPS_DATA_DIR': sys.argv[1]} | ({'VMKOPS_DATABASE_URL': sys.argv[3]} if sys.argv[3] else {})\n"
        "m.import_state(Settings.read(s), Path(sys.argv[2]), unsigned=True, read=read)"
    )
    rows = json.loads(gzip.decompress(file.read_bytes()).splitlines()[0])["parts"]
    words = [str(new.settings.data_dir), str(file), url, str(2 * sum(rows.values()))]

    done = subprocess.run([sys.executable, "-c", program, *words], check=False, capture_output=True, text=True)

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert new.rows(database.tokens) == new.rows(database.audit) == new.rows(STATUS) == new.rows(SCHEDULES) == []
    assert load(new, file, unsigned=True).total(Fate.ADDED) == sum(rows.values())


def test_only_a_known_signature_counts(make: Make, tmp_path: Path) -> None:
    old, new = make("old"), make("new")
    fill(old)
    file = save(old, tmp_path / "x.state")

    with pytest.raises(StateRefused, match="signing/trusted"):
        load(new, file)
    assert new.rows(database.tokens) == []
    new.trusts(old)
    assert load(new, file).total(Fate.ADDED) > 0


def test_entries_of_both_installations_are_in_the_order_of_time(make: Make, tmp_path: Path) -> None:
    old, new = make("old"), make("new")
    fill(old)
    about = {"event": "x", "token": "", "person": "", "address": "", "request": "", "details": {}}
    new.put(database.audit, at="2026-11-02T12:00:00+00:00", **about)
    load(new, save(old, tmp_path / "x.state"), unsigned=True)
    engine = open_database(new.settings)

    found, before = [], None
    while page := asyncio.run(Audit(engine).entries(limit=1, before=before)):
        found.append(page[0].at[:10])
        before = page[0].id
    engine.dispose()

    assert found == ["2026-11-03", "2026-11-02", "2026-11-02", "2026-11-01"]
