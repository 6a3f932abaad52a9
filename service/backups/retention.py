"""Which backups a policy keeps, and the rules that keep the last good one of a VM in any case; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from service.backups.catalogue import BackupType, KeptBackup
from service.backups.owner import Owner, Owners
from service.errors import InvalidParams


class Policy(BaseModel):
    """How many backups of each VM to keep: the newest ones, and the newest of so many days, weeks and months.

    Only days, ISO weeks and months with a backup count, so a VM that was off for a while loses no backup by that.
    """

    model_config = ConfigDict(frozen=True)

    last: int = Field(default=3, ge=1, le=10_000, description="How many of the newest to keep.")
    daily: int = Field(
        default=7, ge=0, le=10_000, description="For how many days with a backup to keep the newest one."
    )
    weekly: int = Field(
        default=4, ge=0, le=10_000, description="For how many weeks with a backup to keep the newest one."
    )
    monthly: int = Field(
        default=12, ge=0, le=10_000, description="For how many months with a backup to keep the newest one."
    )


PERIODS_IN_WORDS = {"d": "daily", "w": "weekly", "m": "monthly"}
"""The letters of a policy as text, such as `7d,4w,6m`."""


def read_policy(text: str) -> Policy:
    """The policy that `7d,4w,6m` means: the newest backup of 7 days, 4 weeks and 6 months; a plain number is `last`.

    What the text does not name is not kept, but the newest backup always is. Raises InvalidParams.
    """
    values = {"last": 1, **dict.fromkeys(PERIODS_IN_WORDS.values(), 0)}
    for part in text.replace(" ", "").split(","):
        found = re.fullmatch(r"([1-9][0-9]{0,3})([dwm]?)", part.lower())
        if found is None:
            raise InvalidParams(
                f"{text[:60]!r} does not say what to keep. Write days, weeks and months, such as 7d,4w,6m; a plain "
                "number is how many of the newest to keep."
            )
        values[PERIODS_IN_WORDS.get(found[2], "last")] = int(found[1])
    return Policy(**values)


class Series(NamedTuple):
    """Backups of one VM that replace each other: those of all its disks, or those of the same paths."""

    type: BackupType
    paths: frozenset[str]


def series_of(kind: BackupType, paths: Iterable[str] = ()) -> Series:
    """The series of a backup of this type, and of these paths of the guest."""
    return Series(kind, frozenset(paths))


class Decision(NamedTuple):
    """Whether a backup stays, and every reason for that."""

    backup: KeptBackup
    stays: bool
    why: tuple[str, ...]


PERIODS: tuple[tuple[str, Callable[[datetime], object]], ...] = (
    ("daily", lambda at: at.date()),
    ("weekly", lambda at: at.isocalendar()[:2]),
    ("monthly", lambda at: (at.year, at.month)),
)


def keep(backups: Iterable[KeptBackup], policy: Policy, now: datetime) -> list[Decision]:
    """Decide about every backup, VM by VM; the decisions are in the order of `backups`.

    The backups of a VM's disks and those of its files are counted apart, and so are those of other paths.

    A backup is removed only when the policy does not keep it, and a newer backup of the same VM was verified and has at
    least its disks, or its volumes and paths. So the newest verified one always stays, and where none is verified, all
    stay. A date after `now` comes from a wrong clock: such a backup stays, and replaces no other.
    """
    given = list(backups)
    rows: dict[tuple[Owner, Series], list[KeptBackup]] = {}
    owners = Owners(given)
    for kept in given:
        rows.setdefault((owners.of(kept), series_of(kept.type, kept.paths)), []).append(kept)
    decided = {each.backup.path: each for own in rows.values() for each in _keep_of_one_vm(own, policy, now)}
    return [decided[kept.path] for kept in given]


def _keep_of_one_vm(backups: Sequence[KeptBackup], policy: Policy, now: datetime) -> list[Decision]:
    dated = [(kept.created_at, kept) for kept in backups if kept.created_at is not None and kept.created_at <= now]
    newest_first = sorted(dated, key=lambda pair: (pair[0], pair[1].id), reverse=True)
    kept_by_policy = _kept_by_policy([(at, kept) for at, kept in newest_first if kept.good], policy)
    decisions = []
    place = {kept.path: number for number, (_, kept) in enumerate(newest_first)}
    for kept in backups:
        if kept.path not in place:
            why = [
                "its date is unknown" if kept.created_at is None else "its date is in the future, from a wrong clock"
            ]
        else:
            why = kept_by_policy.get(kept.path, [])
            newer = [other for _, other in newest_first[: place[kept.path]]]
            if not any(other.state == "verified" and _has_all_of(other, kept) for other in newer):
                what = "disks" if kept.whole_vm else "volumes and paths"
                why = [*why, f"no newer backup with all its {what} is verified"]
        stays = bool(why)
        decisions.append(Decision(kept, stays, tuple(why) if stays else (_why_removed(kept),)))
    return decisions


def _kept_by_policy(newest_first: Sequence[tuple[datetime, KeptBackup]], policy: Policy) -> dict[str, list[str]]:
    why: dict[str, list[str]] = {}
    for number, (_, kept) in enumerate(newest_first[: policy.last], 1):
        why.setdefault(kept.path, []).append(f"last {number} of {policy.last}")
    for name, period in PERIODS:
        wanted: int = getattr(policy, name)
        seen: list[object] = []
        for at, kept in newest_first:
            if period(at) in seen:
                continue
            if len(seen) == wanted:
                break
            seen.append(period(at))
            why.setdefault(kept.path, []).append(f"{name} {len(seen)} of {wanted}")
    return why


def _has_all_of(other: KeptBackup, kept: KeptBackup) -> bool:
    """Whether `other` lacks nothing that `kept` has. How many disks are `missing` is known, but not which ones."""
    return (
        set(other.left_out) <= set(kept.left_out)
        and other.missing <= kept.missing
        and set(other.not_found) <= set(kept.not_found)
        and _volumes_with_files(other) >= _volumes_with_files(kept)
    )


def _volumes_with_files(kept: KeptBackup) -> set[str]:
    """The names of the volumes that have an archive; one that could not be read has none."""
    return {volume.name for volume in kept.volumes if volume.archive}


def _why_removed(kept: KeptBackup) -> str:
    return "the policy does not keep it" if kept.good else f"it is {kept.state}, and a newer one is verified"
