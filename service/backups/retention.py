"""Which kept backups may go: how many a policy keeps, and rules by which the last good copy survives; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from service.backups.catalogue import KeptBackup


class Policy(BaseModel):
    """How many backups of each VM to keep: the newest ones, and the newest of so many days, weeks and months.

    A day, ISO week or month counts when it has a backup, so a VM that was off for a while loses nothing by it.
    """

    model_config = ConfigDict(frozen=True)

    last: int = Field(default=3, ge=1, le=10_000, description="The newest so many.")
    daily: int = Field(default=7, ge=0, le=10_000, description="The newest of each of so many days that have one.")
    weekly: int = Field(default=4, ge=0, le=10_000, description="The newest of each of so many weeks that have one.")
    monthly: int = Field(default=12, ge=0, le=10_000, description="The newest of each of so many months that have one.")


class Decision(NamedTuple):
    """Whether a backup stays, and every reason for it."""

    backup: KeptBackup
    stays: bool
    why: tuple[str, ...]


PERIODS: tuple[tuple[str, Callable[[datetime], object]], ...] = (
    ("daily", lambda at: at.date()),
    ("weekly", lambda at: at.isocalendar()[:2]),
    ("monthly", lambda at: (at.year, at.month)),
)


def keep(backups: Iterable[KeptBackup], policy: Policy, now: datetime) -> list[Decision]:
    """Decide about every backup, VM by VM; the order is that of `backups`.

    A backup goes only when the policy does not ask for it and a newer backup of the same VM was verified good and
    has at least its disks. So the newest verified one always stays, and where none is verified, all of them do.
    A date after `now` comes from a wrong clock: such a backup stays, and protects or replaces no other.
    """
    given = list(backups)
    vms: dict[tuple[str, str, str], list[KeptBackup]] = {}
    for kept in given:
        # A VM is the same when moref and UUID are: a copy or a VM that was registered anew is another one.
        name = "" if kept.vm.moref and kept.vm.uuid else kept.path.rpartition("/")[0]
        vms.setdefault((kept.vm.moref, kept.vm.uuid, name), []).append(kept)
    decided = {each.backup.path: each for own in vms.values() for each in _keep_of_one_vm(own, policy, now)}
    return [decided[kept.path] for kept in given]


def _keep_of_one_vm(backups: Sequence[KeptBackup], policy: Policy, now: datetime) -> list[Decision]:
    dated = [(kept.created_at, kept) for kept in backups if kept.created_at is not None and kept.created_at <= now]
    newest_first = sorted(dated, key=lambda pair: (pair[0], pair[1].id), reverse=True)
    asked = _asked_for([(at, kept) for at, kept in newest_first if kept.good], policy)
    decisions = []
    place = {kept.path: number for number, (_, kept) in enumerate(newest_first)}
    for kept in backups:
        if kept.path not in place:
            why = ["its date is unknown" if kept.created_at is None else "its date is in the future: a clock was wrong"]
        else:
            why = asked.get(kept.path, [])
            newer = [other for _, other in newest_first[: place[kept.path]]]
            if not any(other.state == "verified" and _holds(other, kept) for other in newer):
                why = [*why, "no newer backup with all its disks is verified"]
        stays = bool(why)
        decisions.append(Decision(kept, stays, tuple(why) if stays else (_why_it_goes(kept),)))
    return decisions


def _asked_for(newest_first: Sequence[tuple[datetime, KeptBackup]], policy: Policy) -> dict[str, list[str]]:
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


def _holds(other: KeptBackup, kept: KeptBackup) -> bool:
    return other.complete or not kept.complete


def _why_it_goes(kept: KeptBackup) -> str:
    return f"it is {kept.state}, and a newer one is verified" if not kept.good else "the policy does not ask for it"
