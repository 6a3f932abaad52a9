"""What each step of one export does; all that must outlive the process is in what a step returns."""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from service.errors import CopyFailed, DiskFull
from service.jobs.action import Context
from service.packages.descriptor import parse_descriptor
from service.packages.folder import PARTIAL, Package, PackageFile
from service.packages.ova import write_ova
from service.retry import retry
from service.transfer.checksum import hash_file
from service.transfer.export_lease import PATIENCE_SECONDS, ExportLease
from service.transfer.progress import TransferProgress
from service.vsphere.descriptor import create_descriptor
from service.vsphere.nfc import open_vm_lease
from service.vsphere.session import Session

LONGEST_NAME = 60
"""Characters of a package's name; a ustar header has 100 for each of its files."""
Report = Callable[[int, int | None], None]


def portable_name(name: str) -> str:
    """A file name that says `name` and that every system and archive takes: `../../etc` becomes `etc`."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("._-")[:LONGEST_NAME] or "vm"


class Export:
    """One export under way in this process."""

    def __init__(self, context: Context, session: Session, job_id: str, vm: dict[str, Any], report: Report) -> None:
        self._session = session
        self._copy_slots = context.copy_slots
        self._vm = vm
        self._report = report
        self._package = Package(context.settings.exports_dir, portable_name(vm["name"]), job_id)
        self._leased = ExportLease(self._session, lambda: open_vm_lease(self._session, vm["moref"]))
        self._meter = TransferProgress(report, [], None)

    async def open(self) -> dict[str, Any]:
        """Open the lease; what it lends is recorded, so that a restart knows which disks there are."""
        lease = await self._leased.ready()
        disks = [
            {"key": disk.key, "file": f"{self._package.name}-disk{number}.vmdk", "size": disk.size}
            for number, disk in enumerate(lease.disks, 1)
        ]
        missing = max(0, self._vm["disks"] - len(disks))
        short = f", {missing} fewer than the VM has" if missing else ""
        return {
            "lease": lease.moref,
            "disks": disks,
            "missing": missing,
            "detail": f"{len(disks)} disk(s) to read{short}",
        }

    def measure(self, opened: dict[str, Any]) -> None:
        """Begin to add the disks up for the job's progress."""
        self._meter = TransferProgress(self._report, [disk["size"] for disk in opened["disks"]], self._vm["allocated"])

    async def copy(self, opened: dict[str, Any], number: int) -> dict[str, Any]:
        """Copy one disk, from its beginning."""
        disk = opened["disks"][number]
        to = self._package.open() / disk["file"]
        async with self._copy_slots.slot(self._vm["turns"]):
            arrived = await self._leased.copy(disk["key"], to, self._meter, number, opened["lease"])
        file = PackageFile(key=disk["key"], file=disk["file"], size=arrived.size, sha256=arrived.sha256)
        return {**file.model_dump(), "detail": f"{file.file}: {arrived.size} bytes, {arrived.compared}"}

    def copied(self, number: int, file: dict[str, Any]) -> None:
        """This disk is there, copied now or before a restart."""
        self._meter.copied(number, file["size"])

    async def describe(self, copied: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Write descriptor and manifest, and put the files into the order of the descriptor."""
        files = [PackageFile.model_validate(file) for file in copied]
        text = await retry(
            lambda: create_descriptor(self._session, self._vm["moref"], self._vm["name"], files),
            seconds=PATIENCE_SECONDS,
        )
        names = await asyncio.to_thread(self._package.describe, text, files)
        listed = [file.href for file in parse_descriptor(names[0], text.encode()).files]
        if sorted(listed) != sorted(file.file for file in files):
            raise CopyFailed(f"vCenter's descriptor lists {listed}, which are not the disks that were copied.")
        return {"order": [*names, *listed], "detail": f"{names[0]} and {names[1]}"}

    async def close(self, opened: dict[str, Any]) -> dict[str, Any]:
        """Give the VM free again."""
        return {"detail": await self._leased.complete(opened["lease"])}

    async def pack(self, order: list[str], copied: Sequence[dict[str, Any]], *, archive: bool) -> dict[str, Any]:
        """Make one OVA of the files where that is asked for, and give the package its name."""
        if archive and self._package.aside.exists():
            await self._pack(order)
        names = await asyncio.to_thread(self._package.publish)
        known = {file["file"]: file["sha256"] for file in copied}
        files: list[dict[str, Any]] = []
        size = 0
        for name in names:
            path = self._package.path / name
            sha256 = known.get(name) or (await hash_file(path, lambda _: None))[1]
            files.append({"file": name, "size": path.stat().st_size, "sha256": sha256})
            size += files[-1]["size"]
        first = next(name for name in names if name.endswith((".ova", ".ovf")))
        return {
            "path": str(self._package.path),
            "import_as": f"exports/{self._package.path.parent.name}/{self._package.path.name}/{first}",
            "files": files,
            "size": size,
            "detail": f"{len(files)} file(s), {size} bytes in {self._package.path}",
        }

    async def give_up(self, opened: dict[str, Any] | None) -> dict[str, Any]:
        """Give up the lease, and drop what was written."""
        said = await self._leased.give_up(opened["lease"] if opened else "")
        await asyncio.to_thread(self._package.discard)
        return {"detail": said}

    async def _pack(self, order: list[str]) -> None:
        aside = self._package.aside
        ova = aside / f"{self._package.name}.ova"
        if not ova.exists():
            half = ova.with_name(f"{ova.name}{PARTIAL}")
            total = sum((aside / name).stat().st_size for name in order)
            try:
                await write_ova(aside, order, half, lambda done: self._report(done, total))
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    raise DiskFull(f"There is no room left in {aside.parent} for {ova.name}.") from error
                raise CopyFailed(f"Packing {ova.name} broke off: {error.strerror}.") from error
            half.rename(ova)
        await asyncio.to_thread(_remove, [aside / name for name in order])


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
