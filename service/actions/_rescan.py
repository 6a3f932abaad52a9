"""The two steps of a rescan, in the order that finds everything: HBAs first, then VMFS volumes."""

from __future__ import annotations

from typing import Any

from service.api.words import counted
from service.jobs.action import JobControl, StepResult
from service.vsphere.session import Session
from service.vsphere.storage import HostStorage, read_storage, rescan_hbas, rescan_vmfs

HBAS, VMFS = "rescan HBAs", "rescan VMFS"


class Found(StepResult):
    """The LUNs and VMFS volumes that appeared with the rescan, by name."""

    new_luns: list[str]
    new_volumes: list[str]


async def rescan(job: JobControl, session: Session, host: str, hba: str, before: HostStorage) -> dict[str, Any]:
    """Rescan the host `host` (a moref), one adapter or all; returns what was not there `before`.

    The result has the keys `new_luns` and `new_volumes`, each a list of names.
    """

    async def scan_hbas() -> StepResult:
        await rescan_hbas(session, host, hba)
        return StepResult(detail=f"{hba} was scanned." if hba else "All HBAs were scanned.")

    async def scan_vmfs() -> Found:
        await rescan_vmfs(session, host)
        after = await read_storage(session, host)
        luns = sorted(set(after.luns) - set(before.luns))
        volumes = sorted(set(after.volumes) - set(before.volumes))
        found = [f"{counted(len(luns), 'new LUN')}: {', '.join(luns)}"] if luns else ["no new LUN"]
        found += [f"{counted(len(volumes), 'new VMFS volume')}: {', '.join(volumes)}"] if volumes else []
        return Found(new_luns=luns, new_volumes=volumes, detail="; ".join(found))

    await job.step_as(StepResult, HBAS, scan_hbas)
    found = await job.step_as(Found, VMFS, scan_vmfs)
    return {"new_luns": found.new_luns, "new_volumes": found.new_volumes}
