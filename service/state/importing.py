"""Adds the state in a file to the databases of an installation: all of what is new, or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from service.api.settings import Settings
from service.errors import StateRefused
from service.state.databases import for_import, for_reading
from service.state.form import Header, Row, StateFile
from service.state.part import BATCH, Choices, Databases, Fate, Part
from service.state.parts import PARTS
from service.state.values import WrongRow
from service.store.signing import open_signer

MOST_NAMED = 100
"""How many rows of one fate are named for each part."""
WITHOUT_NAMES = {"idempotency_keys", "copy_rates", "audit"}
"""Parts whose rows say nothing to people."""


@dataclass(kw_only=True, slots=True)
class PartReport:
    """What came of the rows of one part, or would come in a dry run: how many were added, the same, and so on."""

    name: str
    counts: dict[Fate, int] = field(default_factory=lambda: dict.fromkeys(Fate, 0))
    named: dict[Fate, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The rows that differ or are left, up to MOST_NAMED of each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What came of a file."""

    header: Header
    parts: tuple[PartReport, ...]

    def total(self, fate: Fate) -> int:
        """How many rows had this fate."""
        return sum(each.counts[fate] for each in self.parts)


def import_state(
    settings: Settings,
    path: Path,
    *,
    dry_run: bool = False,
    unsigned: bool = False,
    take_over: bool = False,
    resume_schedules: bool = False,
    expected: Callable[[int], None] = lambda _: None,
    read: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Check a file, then add what is new in it, in one transaction; rows that are here already are never changed.

    With `dry_run`, only say what would come of each row; a service may run then. `unsigned` takes a file whatever its
    signature is. `expected` is called with the number of rows to read, and `read` for each with 1: each row is read
    twice. See Choices for the others. Raises StateRefused for a file that is not whole or not known, Conflict or
    DataDirectoryInUse while a service runs, StartError, and OSError.
    """
    with StateFile(path) as file:
        header = file.header()
        if unknown := header.parts.keys() - {part.name for part in PARTS}:
            raise StateRefused(
                f"The file has a part {min(unknown)[:40]!r} that this version does not know. vmkops "
                f"{header.product} wrote it: install that version or a later one, then import it."
            )
        expected(2 * header.rows)
        accepts = None if unsigned else open_signer(settings).accepts
        live = {row["id"] for name, row in _checked(file, accepts, read) if name == "live_jobs"}
        choices = Choices(
            now=datetime.now(UTC),
            exported_at=header.created_at,
            take_over=take_over,
            resume_schedules=resume_schedules,
            live_jobs=live,
        )
        opened: AbstractContextManager[Databases] = for_reading(settings) if dry_run else for_import(settings)
        with opened as databases:
            # Read again and checked again to the end, so that a file that changes meanwhile is undone as well.
            rows = _checked(file, accepts, read)
            return Imported(header=header, parts=_apply(databases, rows, choices, dry_run=dry_run))


def _checked(
    file: StateFile, accepts: Callable[[bytes, bytes], bool] | None, read: Callable[[int], None]
) -> Iterator[tuple[str, Row]]:
    """Each row, with its content checked; raises StateRefused."""
    parts = {part.name: part for part in PARTS}
    for number, (name, row) in enumerate(file.rows(accepts), 2):
        try:
            yield name, parts[name].check(row)
        except WrongRow as error:
            raise StateRefused(
                f"The file is refused: line {number}, of {name}: {error}. Nothing was changed."
            ) from error
        read(1)


def _apply(
    databases: Databases, rows: Iterable[tuple[str, Row]], choices: Choices, *, dry_run: bool
) -> tuple[PartReport, ...]:
    reports = {part.name: PartReport(name=part.name) for part in PARTS}
    parts = {part.name: part for part in PARTS}
    for name, batch in _batches(rows):
        _apply_batch(databases, parts[name], batch, choices, reports[name], dry_run=dry_run)
    return tuple(reports.values())


def _apply_batch(
    databases: Databases, part: Part, batch: list[Row], choices: Choices, report: PartReport, *, dry_run: bool
) -> None:
    new = []
    for verdict in part.judge(databases, batch, choices):
        report.counts[verdict.fate] += 1
        if verdict.fate is Fate.ADDED:
            new.append(verdict.row)
        elif verdict.fate is not Fate.SAME and part.name not in WITHOUT_NAMES:
            report.named[verdict.fate] = [*report.named[verdict.fate], verdict.what][:MOST_NAMED]
    if new and not dry_run:
        try:
            part.add(databases, new)
        except (sa.exc.IntegrityError, sa.exc.DataError) as error:
            raise StateRefused(
                f"The database does not take rows of {part.name} from this file ({type(error.orig).__name__}). "
                "Nothing was changed."
            ) from error


def _batches(rows: Iterable[tuple[str, Row]]) -> Iterator[tuple[str, list[Row]]]:
    name, batch = "", list[Row]()
    for part, row in rows:
        if batch and (part != name or len(batch) == BATCH):
            yield name, batch
            batch = []
        name = part
        batch.append(row)
    if batch:
        yield name, batch
