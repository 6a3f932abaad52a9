"""The part with the jobs, and the firings of schedules, that have ended."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from service.errors import VmkopsError
from service.jobs import claims, firings, view
from service.jobs.engine import NAME as APPLICATION
from service.jobs.job_run import PROGRESS
from service.jobs.retention import ENDED
from service.jobs.serializer import NAME as FORM
from service.jobs.tables import EVENTS, OUTPUT, STATUS, STEPS
from service.state.form import Row
from service.state.part import Choices, Databases, Part, Verdict, verdicts
from service.state.records import plain, read_value, record
from service.state.values import CONTROL, INSTEAD, WrongRow, check_json, check_value, clean_json

KINDS = {"job": claims.WORKFLOW, "firing": firings.WORKFLOW}
"""The engine's names of the workflows that are carried: jobs, and firings of schedules."""
LONGEST_ID = 300
LARGEST_TIME = 253_402_300_799_000
"""Milliseconds of the last second of the year 9999."""
READ = 200
TEXTS = ("id", "kind", "status", "executor", "format", "queue", "schedule")
TIMES = ("created_at", "updated_at", "started_at", "completed_at")
STATE_COLUMNS = {
    "id": STATUS.c.workflow_uuid,
    "status": STATUS.c.status,
    "executor": STATUS.c.executor_id,
    "format": STATUS.c.application_version,
    "queue": STATUS.c.queue_name,
    "schedule": STATUS.c.schedule_name,
    "created_at": STATUS.c.created_at,
    "updated_at": STATUS.c.updated_at,
    "started_at": STATUS.c.started_at_epoch_ms,
    "completed_at": STATUS.c.completed_at,
    "attributes": STATUS.c.attributes,
}
STEP_COLUMNS = {
    "number": STEPS.c.function_id,
    "name": STEPS.c.function_name,
    "started_at": STEPS.c.started_at_epoch_ms,
    "completed_at": STEPS.c.completed_at_epoch_ms,
}


class JobsPart(Part):
    """Jobs and firings that have ended, as people see them: not what they were given, nor what their steps returned."""

    name = "jobs"

    def count(self, databases: Databases) -> int:
        """How many jobs and firings have ended."""
        if not databases.has_jobs:
            return 0
        return int(databases.jobs.execute(sa.select(sa.func.count()).select_from(STATUS).where(_ended())).scalar_one())

    def rows(self, databases: Databases) -> Iterator[Row]:
        """The records by id, each with its steps."""
        last = ""
        names = {workflow: kind for kind, workflow in KINDS.items()}
        query = (
            sa.select(STATUS, OUTPUT.c.output.label("output_2"), OUTPUT.c.error.label("error_2"))
            .outerjoin_from(STATUS, OUTPUT, OUTPUT.c.workflow_uuid == STATUS.c.workflow_uuid)
            .order_by(STATUS.c.workflow_uuid)
            .limit(READ)
        )
        while databases.has_jobs:
            found = databases.jobs.execute(query.where(_ended(), STATUS.c.workflow_uuid > last)).all()
            if not found:
                return
            last = found[-1].workflow_uuid
            ids = [each.workflow_uuid for each in found]
            steps, progress = _steps(databases, ids), _progress(databases, ids)
            for each in found:
                row = {name: each._mapping[column.name] for name, column in STATE_COLUMNS.items()}
                row |= {"kind": names[each.name], "steps": steps[each.workflow_uuid]}
                row["output"] = plain(each.output_2 or each.output)
                row["error"] = plain(each.error_2 or each.error)
                row["progress"] = progress.get(each.workflow_uuid)
                yield clean_json(row)

    def check(self, row: Row) -> Row:
        """The row; raises WrongRow also when no job could be shown from it."""
        names = {*STATE_COLUMNS, "kind", "steps", "output", "error", "progress"}
        if unknown := row.keys() - names:
            raise WrongRow(f"it has a field that this version does not know: {CONTROL.sub(INSTEAD, min(unknown))[:40]}")
        row = dict.fromkeys(names) | row
        check_json("the job", row)
        for name in TEXTS:
            if not isinstance(row[name], str | None) or CONTROL.search(row[name] or ""):
                raise WrongRow(f"{name} is not a name")
        if not row["id"] or len(row["id"]) > LONGEST_ID or row["kind"] not in KINDS or row["status"] not in ENDED:
            raise WrongRow("it is not a job that has ended")
        _check_times(row)
        for step in _list_of_objects(row["steps"]):
            _check_step(step)
        try:
            _show(row)
        except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError, VmkopsError) as error:
            raise WrongRow("no job can be shown from it") from error
        return row

    def judge(self, databases: Databases, rows: Sequence[Row], choices: Choices) -> list[Verdict]:  # noqa: ARG002
        """What comes of the rows: how a job has ended decides whether it is the same one."""
        there: dict[tuple[Any, ...], Row] = {}
        if databases.has_jobs:
            asked = {"id": STATUS.c.workflow_uuid, "status": STATUS.c.status, "completed_at": STATUS.c.completed_at}
            query = sa.select(*(column.label(name) for name, column in asked.items()))
            found = databases.jobs.execute(query.where(STATUS.c.workflow_uuid.in_([row["id"] for row in rows])))
            there = {(each.id,): dict(each._mapping) for each in found}
        return verdicts(rows, ["id"], there, ignored=rows[0].keys() - {"id", "status", "completed_at"})

    def add(self, databases: Databases, rows: Sequence[Row]) -> None:
        """Insert the records of the engine."""
        status, output, steps, events = [], [], [], []
        for row in rows:
            job = {"workflow_uuid": row["id"]}
            kept = {column.name: row[name] for name, column in STATE_COLUMNS.items()}
            known = {"name": KINDS[row["kind"]], "serialization": FORM, "application_name": APPLICATION}
            status.append(kept | known | {"application_id": "", "priority": 0, "recovery_attempts": 1})
            written = {name: record(row[name]) for name in ("output", "error")}
            output.append(job | written | {"retention_timestamp": row["created_at"]})
            for step in row["steps"]:
                kept = {column.name: step.get(name) for name, column in STEP_COLUMNS.items()}
                detail = {"output": record({"detail": step.get("detail", "")}), "error": record(step.get("error"))}
                form = {"serialization": FORM, "application_name": APPLICATION}
                steps.append(job | kept | detail | form | {"retention_timestamp": row["created_at"]})
            if row["progress"] is not None:
                events.append(job | {"key": PROGRESS, "value": record(row["progress"]), "serialization": FORM})
        for table, values in ((STATUS, status), (OUTPUT, output), (STEPS, steps), (EVENTS, events)):
            if values:
                databases.jobs.execute(table.insert(), values)


def _ended() -> sa.ColumnElement[bool]:
    return sa.and_(STATUS.c.name.in_(list(KINDS.values())), STATUS.c.status.in_(ENDED))


def _steps(databases: Databases, ids: Sequence[str]) -> dict[str, list[Row]]:
    """The steps of these jobs by job, in their order, with what each reported."""
    found: dict[str, list[Row]] = defaultdict(list)
    query = sa.select(STEPS).where(STEPS.c.workflow_uuid.in_(ids)).order_by(STEPS.c.workflow_uuid, STEPS.c.function_id)
    for row in databases.jobs.execute(query):
        output = plain(row.output)
        detail = str(output.get("detail", "")) if isinstance(output, dict) else ""
        step = {name: row._mapping[column.name] for name, column in STEP_COLUMNS.items()}
        found[row.workflow_uuid].append(step | {"detail": detail, "error": plain(row.error)})
    return found


def _progress(databases: Databases, ids: Sequence[str]) -> dict[str, Any]:
    query = sa.select(EVENTS).where(EVENTS.c.workflow_uuid.in_(ids), EVENTS.c.key == PROGRESS)
    return {row.workflow_uuid: plain(row.value) for row in databases.jobs.execute(query)}


def _check_times(row: Row) -> None:
    for name in TIMES:
        value = row.get(name)
        if value is None and name not in ("created_at", "updated_at"):
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_TIME:
            raise WrongRow(f"{name} is not a time in milliseconds")


def _list_of_objects(value: Any) -> list[Row]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise WrongRow("its steps are not a list of steps")
    return value


def _check_step(step: Row) -> None:
    if step.keys() != {*STEP_COLUMNS, "detail", "error"}:
        raise WrongRow("a step has other fields than this version knows")
    check_value("the number of a step", step["number"], sa.Integer())
    for name in ("name", "detail"):
        check_value(f"the {name} of a step", step[name], sa.Text())
    _check_times(step | {"created_at": 0, "updated_at": 0})


def _show(row: Row) -> None:
    """Build what people see of the job or the firing, as the service does later; raises what that raises."""
    status = SimpleNamespace(
        workflow_id=row["id"],
        attributes=row["attributes"],
        status=row["status"],
        output=read_value(row["output"]),
        error=read_value(row["error"]),
        dequeued_at=row["started_at"],
        **{name: row[name] for name in ("created_at", "updated_at", "completed_at")},
    )
    if row["kind"] == "firing":
        outcome = view.outcome_of(status)
        if problem := outcome.get("problem"):
            view.problem_of(problem)
        return
    recorded = [
        {
            "function_name": step["name"],
            "output": {"detail": step["detail"]},
            "error": read_value(step["error"]),
            "started_at_epoch_ms": step["started_at"],
            "completed_at_epoch_ms": step["completed_at"],
        }
        for step in row["steps"]
    ]
    names = [re.sub(": .*", "", step["name"]) for step in row["steps"]]
    events = {} if row["progress"] is None else {PROGRESS: read_value(row["progress"])}
    view.job(status, recorded, events, names)
