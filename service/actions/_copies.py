"""The copies that follow a backup: which targets they go to, and the jobs that make them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from service.actions._targeted import info, refuse, warn
from service.api.models import Check
from service.api.save_settings import NONE, SaveProfile
from service.api.settings import Settings
from service.api.words import in_one_line
from service.copies.store import CopyStore, find_target
from service.jobs.action import JobControl, StepResult

START_COPIES = "start copies"
COPY = "copy-backup"


class CopyStarted(BaseModel):
    """The job that copies the backup to one target, or why there is none."""

    model_config = ConfigDict(frozen=True)

    to: str
    job: str = ""
    why: str = ""


class CopiesStarted(StepResult):
    """What came of the copies of a backup, in the order of their targets."""

    copies: list[CopyStarted]


def names_of(copy_to: str) -> list[str]:
    """The targets in the parameter `copy_to`."""
    names = list(dict.fromkeys(copy_to.replace(",", " ").split()))
    return [] if names == [NONE] else names


def choose_copies(settings: Settings, asked: str, profile: SaveProfile | None) -> tuple[str, list[Check]]:
    """The parameter `copy_to` for the targets that a request asks for, and what is found about them.

    A backup with a save profile has no copies by default, and is refused when it asks for some. Raises NotFound.
    """
    names = names_of(asked) if asked else list(settings.copy_to)
    if profile is not None and not asked:
        return "", []
    checks = [info("copy-to", f"A copy goes to {name} afterwards, in a job of its own.") for name in names]
    for name in names:
        find_target(settings, name)
    if names and profile is not None:
        message = (
            f"The save profile {profile.name} gets the disks, so there is nothing to copy to {', '.join(names)}. Ask "
            "for save=none, or for copy_to=none."
        )
        checks.append(refuse("copy-to", message))
    return " ".join(names), checks


async def copy_warnings(settings: Settings, copy_to: str) -> list[Check]:
    """What will keep the copies from being made, or from being of use: a warning, as the backup itself may go on."""
    found = await asyncio.gather(
        *(CopyStore.of(settings, name).checks(settings.data_dir) for name in names_of(copy_to))
    )
    return [warn(check.rule, check.message) for checks in found for check in checks if check.severity != "info"]


async def start_copies(job: JobControl, names: Sequence[str]) -> CopiesStarted:
    """Start a job for each target, once: after a restart, the jobs that are there are found again."""
    copies, said = [], []
    for number, name in enumerate(names):
        started = await job.children.start(number, COPY, {"backup": job.job_id, "to": name})
        copies.append(CopyStarted(to=name, job=started.job, why=started.why))
        said.append(f"{name}: job {started.job}" if started.job else f"{name}: no copy. {started.why}")
    return CopiesStarted(copies=copies, detail=in_one_line(said))
