"""The parts with the schedules, and with the jobs that are under way."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from service.errors import InvalidParams
from service.jobs import claims, firings, view
from service.jobs.cron import check_cron
from service.jobs.engine import NAME as APPLICATION
from service.jobs.schedule_view import PAUSED
from service.jobs.tables import SCHEDULES, STATUS
from service.state.form import Row
from service.state.part import Choices, Databases, Fate, Part, Verdict, verdicts
from service.state.records import plain, record
from service.state.values import CONTROL, INSTEAD, WrongRow, check_json, check_time, check_value, clean_json

LONGEST_NAME = 200
SAID = ("action", "created_by", "changed_at")
"""What a schedule always says of itself, beside its parameters."""


class LiveJobsPart(Part):
    """The jobs under way, so that people know of them. They are never imported: two machines would run them."""

    name = "live_jobs"

    def count(self, databases: Databases) -> int:
        """How many jobs are under way."""
        return len([*self.rows(databases)])

    def rows(self, databases: Databases) -> Iterator[Row]:
        """The id, the action and the target of each."""
        if not databases.has_jobs:
            return
        live = sa.and_(STATUS.c.name == claims.WORKFLOW, STATUS.c.status.in_(list(view.LIVE)))
        for row in databases.jobs.execute(sa.select(STATUS).where(live).order_by(STATUS.c.workflow_uuid)).all():
            about = {name: str((row.attributes or {}).get(name, "")) for name in ("action", "target", "vcenter")}
            yield {
                name: CONTROL.sub(INSTEAD, text) for name, text in clean_json({"id": row.workflow_uuid} | about).items()
            }

    def check(self, row: Row) -> Row:
        """The row; raises WrongRow."""
        if row.keys() != {"id", "action", "target", "vcenter"}:
            raise WrongRow("it is not a job that was under way")
        for name, value in row.items():
            check_value(name, value, sa.Text())
            if CONTROL.search(value):
                raise WrongRow(f"{name} has a control character")
        return row

    def judge(self, databases: Databases, rows: Sequence[Row], choices: Choices) -> list[Verdict]:  # noqa: ARG002
        """They are left out."""
        return [Verdict(Fate.LEFT, f"{row['id']} ({row['action']} of {row['target']})", row) for row in rows]

    def add(self, databases: Databases, rows: Sequence[Row]) -> None:
        """Never called: none of them is new."""
        raise NotImplementedError


class SchedulesPart(Part):
    """The schedules."""

    name = "schedules"

    def count(self, databases: Databases) -> int:
        """How many there are."""
        return len([*self.rows(databases)])

    def rows(self, databases: Databases) -> Iterator[Row]:
        """The schedules by name. One that cannot be read is left out: it does not fire."""
        if not databases.has_jobs:
            return
        for row in databases.jobs.execute(sa.select(SCHEDULES).order_by(SCHEDULES.c.schedule_name)).all():
            what = plain(row.context)
            if isinstance(what, dict) and what.get("name") == row.schedule_name:
                yield clean_json(
                    {
                        "name": row.schedule_name,
                        "cron": row.schedule,
                        "timezone": row.cron_timezone or "UTC",
                        "paused": row.status == PAUSED,
                        "what": what,
                    }
                )

    def check(self, row: Row) -> Row:
        """The row; raises WrongRow also for a time that never comes."""
        if row.keys() != {"name", "cron", "timezone", "paused", "what"} or not isinstance(row["paused"], bool):
            raise WrongRow("it is not a schedule")
        what = row["what"]
        check_json("the schedule", row)
        if not isinstance(what, dict) or what.get("name") != row["name"] or not isinstance(what.get("params"), dict):
            raise WrongRow("it does not say what it starts")
        texts = [*(row[name] for name in ("name", "cron", "timezone")), *(what.get(name) for name in SAID)]
        if not all(isinstance(each, str) and len(each) <= LONGEST_NAME for each in texts):
            raise WrongRow("it has no name, no time or no maker")
        if CONTROL.search("".join(texts)) or not row["name"]:
            raise WrongRow("it has a control character")
        check_time("changed_at", what["changed_at"])
        try:
            check_cron(row["cron"], row["timezone"])
        except InvalidParams as error:
            raise WrongRow("its time is not one that this version knows") from error
        return row

    def judge(self, databases: Databases, rows: Sequence[Row], choices: Choices) -> list[Verdict]:
        """What comes of the rows. New ones are paused, unless they are to be resumed."""
        here = {row["name"]: row for row in self.rows(databases)}
        there = {(name,): _compared(row) for name, row in here.items()}
        judged = verdicts([_compared(row) for row in rows], ["name"], there, ignored=["paused"])
        return [each._replace(row=_as_added(row, choices)) for each, row in zip(judged, rows, strict=True)]

    def add(self, databases: Databases, rows: Sequence[Row]) -> None:
        """Insert the schedules."""
        for row in rows:
            values = {
                "schedule_id": str(uuid.uuid4()),
                "schedule_name": row["name"],
                "workflow_name": firings.WORKFLOW,
                "schedule": row["cron"],
                "status": PAUSED if row["paused"] else "ACTIVE",
                "context": record(row["what"]),
                "cron_timezone": row["timezone"],
                "application_name": APPLICATION,
            }
            databases.jobs.execute(SCHEDULES.insert().values(values))


def _compared(row: Row) -> Row:
    return row | {"what": {name: value for name, value in row["what"].items() if name != "changed_at"}}


def _as_added(row: Row, choices: Choices) -> Row:
    # As after `resume`: the next start must not catch up on the times before the import.
    what = row["what"] | {"changed_at": choices.now.isoformat()}
    return row | {"what": what, "paused": row["paused"] or not choices.resume_schedules}
