"""Imports an OVF or OVA as a new VM, powered off: from the import folder, from an export, or from an https URL."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from knowledge.ovf.descriptor import Descriptor
from service.actions._deploy import (
    CONFIRM,
    LONGEST_NAME,
    NAME,
    PACKAGE,
    REMOVE,
    SEND,
    Deployment,
    PlacementParams,
    check_place,
    new_vm_key,
)
from service.api.models import Check
from service.api.settings import Settings
from service.errors import PackageRefused
from service.jobs.action import Action, Context, JobControl, Params, Target
from service.packages.contents import read_contents
from service.packages.download import LARGEST_PACKAGE, Download
from service.packages.fetch import shown
from service.packages.inbox import locate
from service.packages.ready import Ready, capacities
from service.packages.remote_descriptor import peek
from service.transfer.disk_space import LEAST_ROOM, free_room

LATER = Check(
    rule="files", severity="info", message="Its manifest and files are looked at when they have been fetched."
)
FETCH, TIDY = "fetch the package", "remove what was fetched"


class Source(Params):
    """Where the package is."""

    source: str = Field(
        min_length=1,
        max_length=2000,
        description="The .ovf or .ova: a path below the import folder, exports/ and a path there, or an https URL.",
    )


class ImportPackage(PlacementParams, Source):
    """Which package, where its VM goes, and what it is called."""

    name: str = Field(
        default="", max_length=LONGEST_NAME, pattern=NAME, description="The new VM's name; that in the package."
    )


class _Outline(NamedTuple):
    """What the pre-flight knows of a package."""

    descriptor: Descriptor
    size: int
    checks: list[Check]


class ImportOvf(Action):
    """Fetch where it has to be fetched, then the same way as a restore."""

    name = "import-ovf"
    summary = "Make a new VM, powered off, of an OVF or OVA from a file or an https URL."
    steps = (FETCH, PACKAGE, SEND, CONFIRM, REMOVE, TIDY)
    params = ImportPackage

    async def target(self, context: Context, params: ImportPackage) -> Target:
        """What is in the package and where it would go; refused when it is no good, or the name is taken."""
        title = _title(params.source)
        try:
            found = await _outline(context.settings, params.source)
        except PackageRefused as error:
            checks = (Check(rule="package", severity="refuse", message=str(error)),)
            return Target(key=f"import:{params.source}", name=title, params=params.model_dump(), checks=checks)
        name = params.name or found.descriptor.machines[0].name
        exact: dict[str, Any] = {**params.model_dump(), "name": name}
        own = [*found.checks, *_name_checks(name)]
        networks = list(found.descriptor.networks)
        placed, place = await check_place(context, params, name, networks, found.size)
        return Target(
            key=f"import:{params.source}:{name}",
            name=f"{title} as {name[:LONGEST_NAME]}",
            params=exact | place,
            checks=(*own, *placed),
            also=(new_vm_key(place["vcenter"], name),),
        )

    async def run(self, context: Context, job: JobControl, params: ImportPackage) -> dict[str, Any]:
        """Fetch, read, send, look; what was fetched goes in the end, and the VM too when something went wrong."""
        settings = context.settings
        making = Deployment(context, job, params)
        if not _is_url(params.source):
            return {**await making.make(lambda: _ready(params, *locate(settings, params.source))), **_from(params)}
        download = Download(settings, job.job_id)
        try:
            file = await _fetch(job, download, params.source)
            made = await making.make(lambda: _ready(params, download.folder, file))
        except Exception:
            await job.step(TIDY, download.discard, part="give up", cleanup=True)
            raise
        await job.step(TIDY, download.discard, cleanup=True)
        return {**made, **_from(params)}


ACTION = ImportOvf()


async def _outline(settings: Settings, source: str) -> _Outline:
    if _is_url(source):
        found = await peek(source, settings)
        return _Outline(
            found.descriptor,
            found.size or 0,
            [LATER, *_licence_checks(found.descriptor), *_room_checks(settings, found.size)],
        )
    root, path = locate(settings, source)
    contents = await asyncio.to_thread(read_contents, root, path)
    size = sum(file.size for file in contents.files)
    return _Outline(contents.descriptor, size, [*_licence_checks(contents.descriptor), *contents.checks])


async def _fetch(job: JobControl, download: Download, url: str) -> str:
    """Fetch the package, each file a recorded part of the step; the path of its `.ovf` or `.ova` in the folder."""
    begun = await job.step(FETCH, lambda: download.begin(url, job.report), interruptible=True)
    sizes = [each["size"] for each in begun["references"]]
    total = None if None in sizes else sum(sizes)
    fetched = 0
    for reference in begun["references"]:

        async def fetch(each: dict[str, Any] = reference, before: int = fetched) -> dict[str, Any]:
            limit = LARGEST_PACKAGE if each["size"] is None else each["size"]
            size = await download.fetch(each["url"], each["name"], limit, lambda done: job.report(before + done, total))
            return {"size": size, "detail": f"{each['name']}: {size} bytes"}

        fetched += (await job.step(FETCH, fetch, part=reference["name"], interruptible=True))["size"]
    return str(begun["file"])


async def _ready(params: ImportPackage, root: Path, path: str) -> Ready:
    contents = await asyncio.to_thread(read_contents, root, path)
    return Ready(
        title=_title(params.source),
        vm=params.name,
        note=f"Imported from {_title(params.source)}.",
        root=str(root),
        descriptor=contents.text,
        files=contents.files,
        networks=list(contents.descriptor.networks),
        capacities=capacities(contents.descriptor),
        warnings=[check.message for check in contents.checks if check.severity == "warn"],
    )


def _is_url(source: str) -> bool:
    return "://" in source


def _title(source: str) -> str:
    return shown(source) if _is_url(source) else source.strip()


def _from(params: ImportPackage) -> dict[str, Any]:
    return {"source": _title(params.source)}


def _name_checks(name: str) -> list[Check]:
    if name and re.fullmatch(NAME, name) and len(name) <= LONGEST_NAME:
        return []
    said = f"The package calls its VM {name[:100]!r}, which cannot be a VM's name here. Say another one with `name`."
    return [Check(rule="name-unfit", severity="refuse", message=said)]


def _licence_checks(descriptor: Descriptor) -> list[Check]:
    if not descriptor.has_licence:
        return []
    said = "The package brings a licence text (EulaSection); whoever imports it accepts it. Read it first."
    return [Check(rule="licence", severity="warn", message=said)]


def _room_checks(settings: Settings, size: int | None) -> list[Check]:
    free = free_room(settings.downloads_dir)
    if size is None:
        said = "The server does not say how large the package is; fetching it ends when the room does."
        return [Check(rule="size-unknown", severity="warn", message=said)]
    if size + LEAST_ROOM <= free and size <= LARGEST_PACKAGE:
        return []
    said = f"The package has {size} bytes, and {free} are free in {settings.data_dir}, where it is fetched to."
    return [Check(rule="download-room", severity="refuse", message=said)]
