"""ChecklistRuns of the P2V checklist, as they are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from knowledge.p2v.run import State
from knowledge.p2v.source import Source, described
from service.api.settings import read_settings
from service.store.checklist_runs import ChecklistRuns
from service.store.database import open_database, p2v_runs
from service.store.tokens import Actor

SOURCE = described(distribution="centos", version="4", disks=["hda:36GB", "sdb"], lvm=True, target_ip="10.4.1.3")

ANNA, BERT = (Actor(token="bot", scopes=frozenset(), person=f"slack:U0{name}") for name in ("ANNA", "BERT"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(read_settings({"VMKOPS_DATA_DIR": str(tmp_path)}))
    yield opened
    opened.dispose()


async def test_run_is_read_back_as_it_was(engine: sa.Engine) -> None:
    runs = ChecklistRuns(engine)
    started = await runs.start(SOURCE, ANNA)
    marked = await runs.mark(started.id, "clone-sdb", State.SKIPPED, actor=BERT, note="no such disk")

    assert await runs.get(started.id) == marked
    assert marked.run.checklist == started.run.checklist
    assert [(mark.state, mark.note) for mark in marked.run.marks] == [(State.SKIPPED, "no such disk")]


async def test_run_that_an_earlier_version_stored_is_read_and_changed(engine: sa.Engine) -> None:
    runs = ChecklistRuns(engine)
    started = await runs.start(SOURCE, ANNA)
    with engine.begin() as connection:
        stored = json.loads(json.dumps(connection.execute(sa.select(p2v_runs.c.run)).scalar_one()))
        stored["checklist"]["mends"] = stored["checklist"].pop("corrections")
        connection.execute(p2v_runs.update().values(run=stored))

    assert (await runs.get(started.id)).run == started.run
    assert (await runs.mark(started.id, "clone-sdb", State.DONE, actor=BERT, note="")).revision == 2


async def test_source_is_the_described_one(engine: sa.Engine) -> None:
    kept = await ChecklistRuns(engine).start(SOURCE, ANNA)

    assert isinstance(kept.run.checklist.source, Source)
    assert (await ChecklistRuns(engine).recent(5))[0].run.checklist.source == SOURCE
