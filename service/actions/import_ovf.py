"""Imports an OVF or OVA as a new VM, powered off: from the import folder, from an export, or from an https URL."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import Field, model_validator

from knowledge.ovf.descriptor import Descriptor
from service.actions._deploy import CONFIRM, PACKAGE, REMOVE, SEND, Deployment
from service.actions._placement import LONGEST_NAME, NAME, PlacementParams, check_place, new_vm_key
from service.actions._targeted import info, refuse, warn
from service.api.models import ActionClass, Check
from service.api.redaction import is_redacted, without_secrets
from service.api.settings import Settings
from service.errors import PackageRefused
from service.jobs.action import Action, Context, JobControl, Params, StepResult, Target
from service.packages.contents import read_contents
from service.packages.deployable import Deployable, capacities
from service.packages.download import LARGEST_PACKAGE, Download, Fetched, FetchedFile, Reference
from service.packages.inbox import locate, read_url_file
from service.packages.remote_descriptor import read_remote
from service.packages.url_guard import LONGEST_URL
from service.transfer.disk_space import RESERVE, free_space

FETCH, TIDY = "fetch the package", "remove what was fetched"
CHECKED_LATER = info("files", "Its manifest and files are checked after they are fetched.")


class Source(Params):
    """Where the package is: exactly one of the two."""

    source: str = Field(
        default="",
        max_length=LONGEST_URL,
        description="The .ovf or .ova: a path below the import folder, exports/ and a path there, or an https URL.",
    )
    url_file: str = Field(
        default="",
        max_length=LONGEST_URL,
        description="Instead of a signed URL: a file below the import folder that holds the URL on one line.",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.source.strip()) == bool(self.url_file.strip()):
            raise ValueError("Give either `source` or `url_file`.")
        if is_redacted(self.source):
            raise ValueError("A part of this URL was hidden when it was shown. Give the whole URL.")
        return self


class ImportPackage(PlacementParams, Source):
    """Which package, where its VM goes, and what it is called."""

    name: str = Field(
        default="",
        max_length=LONGEST_NAME,
        pattern=NAME,
        description="The new VM's name; by default the one in the package.",
    )


class _Outline(NamedTuple):
    """What the pre-flight found in a package; `size` is in bytes."""

    descriptor: Descriptor
    size: int
    checks: list[Check]


class ImportOvf(Action):
    """Fetches the package if it is elsewhere, then deploys it as a restore does."""

    name = "import-ovf"
    summary = "Make a new VM, powered off, of an OVF or OVA from a file or an https URL."
    action_class = ActionClass.SAFE  # makes a new VM under a free name, powered off
    steps = (FETCH, PACKAGE, SEND, CONFIRM, REMOVE, TIDY)
    params = ImportPackage

    async def target(self, context: Context, params: ImportPackage) -> Target:
        """What the package contains and where it goes; refused when it cannot be imported or the name is taken."""
        title = _title(params)
        source = await _source(context.settings, params)
        try:
            found = await _outline(context.settings, source)
        except PackageRefused as error:
            checks = (refuse("package", str(error)),)
            return Target(key=_key(source), name=title, params=params.model_dump(), checks=checks)
        name = params.name or found.descriptor.machines[0].name
        exact: dict[str, Any] = {**params.model_dump(), "name": name}
        networks = list(found.descriptor.networks)
        placed, place = await check_place(context, params, name, networks, found.size)
        return Target(
            key=f"{_key(source)}:{name}",
            name=f"{title} as {name[:LONGEST_NAME]}",
            params=exact | place,
            checks=(*found.checks, *_name_checks(name), *placed),
            also=(new_vm_key(place["vcenter"], name),),
        )

    async def run(self, context: Context, job: JobControl, params: ImportPackage) -> dict[str, Any]:
        """Fetch, read, send, check; whatever fails, the VM is removed, and in any case what was fetched."""
        settings = context.settings
        deployment = Deployment(context, job, params)
        source = {"source": _title(params)}
        if not _from_url(params):
            root, path = locate(settings, params.source)
            return {**await deployment.deploy(partial(_read, params, root, path)), **source}
        download = Download(settings, job.job_id)
        try:
            file = await _fetch(job, download, partial(_source, settings, params))
            made = await deployment.deploy(partial(_read, params, download.folder, file))
        except Exception:
            await job.step_as(StepResult, TIDY, download.discard, part="give up", cleanup=True)
            raise
        await job.step_as(StepResult, TIDY, download.discard, cleanup=True)
        return {**made, **source}


ACTION = ImportOvf()


async def _outline(settings: Settings, source: str) -> _Outline:
    if _is_url(source):
        found = await read_remote(source, settings)
        checks = [CHECKED_LATER, *_licence_checks(found.descriptor), *_space_checks(settings, found.size)]
        return _Outline(found.descriptor, found.size or 0, checks)
    root, path = locate(settings, source)
    contents = await asyncio.to_thread(read_contents, root, path)
    size = sum(file.size for file in contents.files)
    return _Outline(contents.descriptor, size, [*_licence_checks(contents.descriptor), *contents.checks])


async def _fetch(job: JobControl, download: Download, read_url: Callable[[], Awaitable[str]]) -> str:
    """Fetch the package, each file a recorded part of the step; returns its `.ovf` or `.ova` in the folder."""

    async def begin() -> Fetched:
        return await download.begin(await read_url(), job.report)

    fetched = await job.step_as(Fetched, FETCH, begin, interruptible=True)
    sizes = [each.size for each in fetched.references]
    total = sum(size for size in sizes if size is not None) if None not in sizes else None
    done = 0

    async def fetch(reference: Reference, before: int) -> FetchedFile:
        limit = LARGEST_PACKAGE if reference.size is None else reference.size
        size = await download.save(
            reference.url, reference.name, limit, lambda so_far: job.report(before + so_far, total)
        )
        return FetchedFile(size=size, detail=f"{reference.name}: {size} bytes")

    for each in fetched.references:
        file = await job.step_as(FetchedFile, FETCH, partial(fetch, each, done), part=each.name, interruptible=True)
        done += file.size
    return fetched.file


async def _read(params: ImportPackage, root: Path, path: str) -> Deployable:
    contents = await asyncio.to_thread(read_contents, root, path)
    return Deployable(
        title=_title(params),
        vm=params.name,
        note=f"Imported from {_title(params)}.",
        root=str(root),
        descriptor=contents.text,
        files=contents.files,
        networks=list(contents.descriptor.networks),
        capacities=capacities(contents.descriptor),
        warnings=[check.message for check in contents.checks if check.severity == "warn"],
    )


def _is_url(source: str) -> bool:
    return "://" in source


def _from_url(params: Source) -> bool:
    return bool(params.url_file) or _is_url(params.source)


async def _source(settings: Settings, params: Source) -> str:
    """The path or the URL of the package; raises what `read_url_file` does."""
    return await asyncio.to_thread(read_url_file, settings, params.url_file) if params.url_file else params.source


def _title(params: Source) -> str:
    """The source for people. A job reads the file of a URL only in a step, so the title is the path of the file."""
    source = params.url_file or params.source
    return without_secrets(source) if _is_url(source) else source.strip()


def _key(source: str) -> str:
    """The key of the target. It is recorded, and messages may repeat it, so a URL is in it as a digest."""
    return f"import:{hashlib.sha256(source.encode()).hexdigest()[:32] if _is_url(source) else source}"


def _name_checks(name: str) -> list[Check]:
    if name and re.fullmatch(NAME, name) and len(name) <= LONGEST_NAME:
        return []
    message = (
        f"The VM in the package is called {name[:100]!r}, which cannot be a VM's name in vCenter. Set `name` to "
        "another one."
    )
    return [refuse("name-unfit", message)]


def _licence_checks(descriptor: Descriptor) -> list[Check]:
    if not descriptor.has_licence:
        return []
    message = "The package contains a licence (EulaSection), and importing the package accepts it. Read it first."
    return [warn("licence", message)]


def _space_checks(settings: Settings, size: int | None) -> list[Check]:
    free = free_space(settings.downloads_dir)
    if size is None:
        message = "The server does not report the size of the package; the import fails when the disk is full."
        return [warn("size-unknown", message)]
    if size + RESERVE <= free and size <= LARGEST_PACKAGE:
        return []
    message = (
        f"The package has {size} bytes, and {free} are free in {settings.data_dir}, where it is downloaded to. Free up "
        "disk space there."
    )
    return [refuse("download-room", message)]
