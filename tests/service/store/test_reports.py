"""A report is given to one bot, and again when that one has not settled it in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.api.settings import Settings
from service.errors import NotFound
from service.store import reports as module
from service.store.database import open_database
from service.store.reports import Report, Reports

ONE = Report("job1", "#ops", "nightly", "")


@pytest.fixture
def reports(tmp_path: Path) -> Iterator[Reports]:
    engine = open_database(Settings.model_validate({"VMKOPS_DATA_DIR": tmp_path}))
    yield Reports(engine)
    engine.dispose()


async def test_report_is_taken_once_until_it_is_settled(reports: Reports) -> None:
    await reports.expect(ONE)
    await reports.expect(ONE._replace(channel="#other"))
    assert await reports.waiting() == [ONE]
    assert [await reports.take("job1") for _ in range(2)] == [True, False]
    assert await reports.waiting() == []
    assert await reports.settle("job1") == ONE
    await reports.expect(ONE)  # the step that notes it may run again
    assert await reports.waiting() == []
    with pytest.raises(NotFound):
        await reports.settle("job2")


async def test_report_of_a_bot_that_died_is_given_out_again(reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    await reports.expect(ONE)
    await reports.take("job1")
    monkeypatch.setattr(module, "TAKEN_SECONDS", -1)
    assert await reports.waiting() == [ONE]
    assert await reports.take("job1")


async def test_report_that_no_bot_takes_is_forgotten(reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    await reports.expect(ONE)
    monkeypatch.setattr(module, "KEPT", timedelta(seconds=-1))
    assert await reports.waiting() == []


async def test_report_that_no_bot_takes_stays_in_sight(reports: Reports) -> None:
    await reports.expect(ONE)
    await reports.expect(Report("job2", "#ops", "weekly", "The window is closed."))
    await reports.take("job1")  # by a bot that died
    soon = datetime.now(UTC) + timedelta(minutes=1)

    assert [each.report.id for each in await reports.unposted(soon)] == ["job1", "job2"]
    assert [each.report for each in await reports.unposted(soon, "nightly")] == [ONE]
    assert await reports.unposted(datetime.now(UTC) - timedelta(minutes=1)) == []
    await reports.settle("job1")
    assert [each.report.id for each in await reports.unposted(soon)] == ["job2"]
