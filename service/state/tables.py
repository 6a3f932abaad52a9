"""The parts that are tables of ours, and the tables that no file has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError

from knowledge.runs.procedure_run import ProcedureRun
from service.api.adapter import adapter
from service.errors import VmkopsError
from service.state.form import Row
from service.state.part import BATCH, Choices, Databases, Fate, Part, Verdict, verdicts
from service.state.values import WrongRow, checked, cleaned
from service.store import database
from service.store.checklist_runs import read_run
from service.store.tokens import LONGEST_NAME, Scope

HEX_64 = re.compile(r"[0-9a-f]{64}")
NOT_CARRIED = {
    "vmkops_leases": "leases end in vCenter by themselves",
    "vmkops_mounts": "the folders of mounts are on one host, and their leases end there",
    "vmkops_executors": "the processes of one installation",
    "vmkops_turns": "the queues of jobs that are under way",
}
"""The tables that no file has, and why."""


class TablePart(Part):
    """The rows of one table."""

    def __init__(
        self,
        name: str,
        table: sa.Table,
        keys: Sequence[str],
        *,
        without: Sequence[str] = (),
        ignored: Sequence[str] = (),
        check: Callable[[Row], object] = lambda _: None,
        adjust: Callable[[Row, Choices], Row | None] = lambda row, _: row,
    ) -> None:
        """`keys` identify a row in any installation; columns `without` are not written, and `ignored` not compared.

        `adjust` gives the row as it is added, or None when it is left out.
        """
        self.name = name
        self.table = table
        self._keys = tuple(keys)
        self._without = tuple(without)
        self._ignored = tuple(ignored)
        self._check = check
        self._adjust = adjust
        self._columns = [column for column in table.columns if column.name not in without]

    def count(self, databases: Databases) -> int:
        """How many rows the table has."""
        return int(databases.ours.execute(sa.select(sa.func.count()).select_from(self.table)).scalar_one())

    def rows(self, databases: Databases) -> Iterator[Row]:
        """The rows by key."""
        by_key = sa.select(*self._columns).order_by(*(self.table.c[key] for key in self._keys))
        for row in databases.ours.execute(by_key.execution_options(yield_per=BATCH)):
            yield cleaned(dict(row._mapping), self._keys)

    def check(self, row: Row) -> Row:
        """The row with the defaults of missing columns; raises WrongRow."""
        names = [key for key in self._keys if isinstance(self.table.c[key].type, sa.String)]
        whole = checked(self.table, row, names, self._without)
        try:
            self._check(whole)
        except WrongRow:
            raise
        except (ValidationError, VmkopsError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise WrongRow("its content is not what this version reads") from error
        return whole

    def judge(self, databases: Databases, rows: Sequence[Row], choices: Choices) -> list[Verdict]:
        """What comes of the rows."""
        here = [self.table.c[key].in_({row[key] for row in rows}) for key in self._keys]
        found = databases.ours.execute(sa.select(*self._columns).where(*here))
        there = {tuple(row._mapping[key] for key in self._keys): dict(row._mapping) for row in found}
        judged = verdicts(rows, self._keys, there, self._ignored)
        return [self._adjusted(each, choices) if each.fate is Fate.ADDED else each for each in judged]

    def add(self, databases: Databases, rows: Sequence[Row]) -> None:
        """Insert the rows."""
        databases.ours.execute(self.table.insert(), list(rows))

    def _adjusted(self, verdict: Verdict, choices: Choices) -> Verdict:
        row = self._adjust(verdict.row, choices)
        return verdict._replace(fate=Fate.LEFT) if row is None else verdict._replace(row=row)


class TokenPart(TablePart):
    """The tokens; two tokens may not have the same hash."""

    def judge(self, databases: Databases, rows: Sequence[Row], choices: Choices) -> list[Verdict]:
        """As for any table; a hash that another token has is a difference, too."""
        columns = database.tokens.c
        query = sa.select(columns.hash, columns.name).where(columns.hash.in_({row["hash"] for row in rows}))
        taken = {each.hash: each.name for each in databases.ours.execute(query)}
        judged = []
        for each in super().judge(databases, rows, choices):
            owner = taken.setdefault(each.row["hash"], each.row["name"])
            judged.append(each if owner == each.row["name"] else each._replace(fate=Fate.DIFFERS))
        return judged


def _token(row: Row) -> None:
    if not row["name"].strip() or len(row["name"]) > LONGEST_NAME or not row["name"].isprintable():
        raise WrongRow("its name is not that of a token")
    if row["scope"] not in set(Scope) or not HEX_64.fullmatch(row["hash"]):
        raise WrongRow("it is not a token of this version")


def _key(row: Row) -> None:
    if not HEX_64.fullmatch(row["key"]) or not HEX_64.fullmatch(row["request"]):
        raise WrongRow("it is not the hash of an Idempotency-Key")


def _details(row: Row) -> None:
    if not all(isinstance(each, str) for each in row["details"].values()):
        raise WrongRow("its details are not texts")


def _snapshot(row: Row, choices: Choices) -> Row | None:
    """Closed rows are history. An open one lets vmkops remove the snapshot, so its job must have ended for good."""
    if row["job"] in choices.live_jobs or (row["removed_at"] is None and not choices.take_over):
        return None
    return row


def _disk_file(row: Row, choices: Choices) -> Row | None:
    """Somebody may have used the file since, so `used_at` keeps vmkops from deleting it: it is only reported."""
    if row["job"] in choices.live_jobs or not choices.take_over:
        return None
    return row | {"used_at": row["used_at"] or choices.exported_at}


def _report(row: Row, choices: Choices) -> Row | None:
    return row if row["settled_at"] or choices.take_over else None


def _of_ended_job(row: Row, choices: Choices) -> Row | None:
    return None if row["job"] in choices.live_jobs else row


def _run(read: Callable[[Any], object]) -> Callable[[Row], object]:
    return lambda row: read(row["run"])


RUN_NAMES = ("id",)
TABLES: tuple[TablePart, ...] = (
    TokenPart("tokens", database.tokens, ["name"], ignored=["last_used_at"], check=_token),
    TablePart("idempotency_keys", database.idempotency_keys, ["token", "key"], check=_key, adjust=_of_ended_job),
    TablePart("audit", database.audit, ["at", "event", "token", "person", "request"], without=["id"], check=_details),
    TablePart(
        "snapshots",
        database.snapshots,
        ["job"],
        ignored=["trouble", "failures", "next_at"],
        adjust=_snapshot,
    ),
    TablePart("disk_files", database.disk_files, ["job", "number"], ignored=["used_at", "trouble"], adjust=_disk_file),
    TablePart("copy_rates", database.copy_rates, ["at", "vcenter", "host", "datastores"], without=["id"]),
    TablePart("p2v_runs", database.p2v_runs, RUN_NAMES, check=_run(read_run)),
    TablePart(
        "procedure_runs",
        database.procedure_runs,
        RUN_NAMES,
        check=_run(adapter(ProcedureRun).validate_python),
    ),
    TablePart("page_versions", database.page_versions, ["slug", "revision"]),
    TablePart("reports", database.reports, ["id"], ignored=["taken_at", "settled_at"], adjust=_report),
)
"""Every table that a file has, in the order in which it is written."""
