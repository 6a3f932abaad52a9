"""Verifies a kept backup: reads every byte of it again and keeps the verdict with it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from service.api.models import Check
from service.backups.catalogue import KeptBackup, Verdict, find_backup, held
from service.backups.verify import check_descriptor, check_hashes, files_of, write_verdict
from service.errors import BackupDamaged, Conflict
from service.jobs.action import Action, Context, JobControl, Params, Target
from service.transfer.checksum import hash_file

READ, DESCRIPTOR, VERDICT = "read every file", "follow the descriptor", "keep the verdict"


class VerifyBackup(Params):
    """Which backup to verify."""

    backup: str = Field(
        min_length=1, max_length=300, description="Its id, or newest: and the name of a VM for the newest of that VM."
    )


class Verify(Action):
    """Re-hash, compare, follow the descriptor's references."""

    name = "verify-backup"
    summary = "Read every byte of a kept backup again and say whether it is as it was written."
    steps = (READ, DESCRIPTOR, VERDICT)
    params = VerifyBackup

    async def target(self, context: Context, params: VerifyBackup) -> Target:
        """The backup as it is now; raises NotFound. A broken one is refused, as there is nothing whole to verify."""
        kept = await asyncio.to_thread(find_backup, context.settings.backups_dir, params.backup)
        return Target(
            key=f"backup:{kept.id}",
            name=f"{kept.vm.name} {kept.id}",
            params={"backup": kept.id},
            checks=tuple(_checks(kept)),
        )

    async def run(self, context: Context, job: JobControl, params: VerifyBackup) -> dict[str, Any]:
        """Read file by file, then judge; raises BackupDamaged after the verdict is kept."""
        settings, read, hashes = context.settings, 0, {}

        async def look() -> dict[str, Any]:
            kept = await asyncio.to_thread(find_backup, settings.backups_dir, params.backup)
            if kept.state == "broken":
                raise Conflict(f"The backup {kept.id} is broken: {kept.reason}")
            return {**kept.model_dump(mode="json"), "files": await asyncio.to_thread(files_of, kept)}

        looked = await job.step(READ, look)
        kept = KeptBackup.model_validate(looked)
        with held(Path(kept.path)):
            for name in looked["files"]:

                async def again(name: str = name, before: int = read) -> dict[str, Any]:
                    return await _read(Path(kept.path) / name, before, kept.size, job)

                done = await job.step(READ, again, part=name, interruptible=True)
                hashes[name] = done["sha256"]
                read += done["size"]

            async def follow() -> dict[str, Any]:
                problems, warnings = await asyncio.to_thread(check_descriptor, Path(kept.path))
                return {"problems": problems, "warnings": warnings, "detail": " ".join([*problems, *warnings])}

            followed = await job.step(DESCRIPTOR, follow)
            verdict = await job.step(VERDICT, lambda: _judge(kept, hashes, followed, job))
        if verdict["verdict"] != "good":
            raise BackupDamaged(f"The backup {kept.id} of {kept.vm.name} is damaged. {' '.join(verdict['problems'])}")
        return {"backup": kept.id, "vm": kept.vm.name, "size": read, **verdict}


ACTION = Verify()


async def _read(path: Path, before: int, total: int, job: JobControl) -> dict[str, Any]:
    try:
        size, digest = await hash_file(path, lambda done: job.report(before + done, max(total, before + done)))
    except OSError as error:
        return {"size": 0, "sha256": "", "detail": f"{path.name}: {error.strerror}"}
    return {"size": size, "sha256": digest, "detail": f"{path.name}: {size} bytes"}


async def _judge(kept: KeptBackup, hashes: dict[str, str], followed: dict[str, Any], job: JobControl) -> dict[str, Any]:
    wrong = await asyncio.to_thread(check_hashes, kept, hashes)
    verdict = Verdict(
        verdict="damaged" if wrong or followed["problems"] else "good",
        verified_at=datetime.now(UTC),
        verified_by=job.requested_by,
        job=job.job_id,
        problems=[*wrong, *followed["problems"]],
        warnings=followed["warnings"],
    )
    await asyncio.to_thread(write_verdict, Path(kept.path), verdict)
    return {**verdict.model_dump(mode="json"), "detail": f"the backup is {verdict.verdict}"}


def _checks(kept: KeptBackup) -> list[Check]:
    if kept.state == "broken":
        return [Check(rule="backup-broken", severity="refuse", message=f"The backup is broken: {kept.reason}")]
    checks = [Check(rule="bytes", severity="info", message=f"{kept.size} bytes will be read.")]
    if kept.verified:
        last = kept.verified
        said = f"It was verified on {last.verified_at:%Y-%m-%d %H:%M} UTC by {last.verified_by}: {last.verdict}."
        checks.append(Check(rule="verified-before", severity="info", message=said))
    return checks
