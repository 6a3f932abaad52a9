"""The two steps of a rescan, in the order that finds everything: HBAs first, then VMFS."""

from __future__ import annotations

from typing import Any

from service.jobs.action import JobControl
from service.vsphere.session import Session
from service.vsphere.storage import HostStorage, read_storage, rescan_hbas, rescan_vmfs

HBAS, VMFS = "rescan HBAs", "rescan VMFS"


async def rescan(job: JobControl, session: Session, host: str, hba: str, before: HostStorage) -> dict[str, Any]:
    """Rescan the host `host` (a moref); the result names what was not there `before`."""

    async def look_at_hbas() -> dict[str, Any]:
        await rescan_hbas(session, host, hba)
        return {"detail": f"{hba} was scanned." if hba else "All HBAs were scanned."}

    async def look_at_vmfs() -> dict[str, Any]:
        await rescan_vmfs(session, host)
        seen = await read_storage(session, host)
        luns = sorted(set(seen.luns) - set(before.luns))
        volumes = sorted(set(seen.volumes) - set(before.volumes))
        found = [f"{len(luns)} new LUNs: {', '.join(luns)}"] if luns else ["no new LUN"]
        found += [f"new VMFS volumes: {', '.join(volumes)}"] if volumes else []
        return {"new_luns": luns, "new_volumes": volumes, "detail": "; ".join(found)}

    await job.step(HBAS, look_at_hbas)
    seen = await job.step(VMFS, look_at_vmfs)
    return {"new_luns": seen["new_luns"], "new_volumes": seen["new_volumes"]}
