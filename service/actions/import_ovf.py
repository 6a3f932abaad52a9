"""Imports an OVF or OVA as a new VM, powered off: from the import folder, from an export, or from an https URL."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import Field, model_validator

from service.actions._deploy import CONFIRM, PACKAGE, REMOVE, SEND, Deployment
from service.actions._placement import LONGEST_NAME, NAME, PlacementParams, check_place, new_vm_key
from service.actions._targeted import info, refuse, warn
from service.api.models import ActionClass, Check
from service.api.redaction import is_redacted, without_secrets
from service.api.settings import Settings
from service.api.units import amount
from service.errors import LimitReached, PackageRefused
from service.jobs.action import Action, Context, JobControl, Params, StepResult, Target
from service.packages.contents import CHECK_IN_THE_SHELL, Contents
from service.packages.deployable import Deployable
from service.packages.descriptor import Outline
from service.packages.download import LARGEST_PACKAGE, Download, Fetched, FetchedFile, Reference
from service.packages.inbox import locate, read_url_file
from service.packages.remote_descriptor import read_remote
from service.packages.url_guard import LONGEST_URL
from service.transfer.disk_space import free_space

FETCH, TIDY = "fetch the package", "remove what was fetched"
CHECKED_LATER = info("files", "Its manifest and files are checked after they are fetched.")


class Source(Params):
    """Where the package is: exactly one of the two."""

    source: str = Field(
        default="",
        max_length=LONGEST_URL,
        description="The .ovf or .ova file: a path below the import folder, exports/ and a path below the export "
        "folder, or an https URL.",
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


class _Preview(NamedTuple):
    """What the pre-flight found in a package; `size` is in bytes."""

    outline: Outline
    size: int
    checks: list[Check]


class ImportOvf(Action):
    """Fetches the package if it is elsewhere, then deploys it as a restore does."""

    name = "import-ovf"
    summary = "Make a new VM, powered off, of an OVF or OVA from a file or an https URL."
    action_class = ActionClass.SAFE  # makes a new VM under a free name, powered off
    steps = (FETCH, PACKAGE, SEND, CONFIRM, REMOVE, TIDY)
    params = ImportPackage

    def plan_of(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """See `Action.plan_of`: the VM is removed only after a failure, and only a package of a URL is fetched."""
        made = (PACKAGE, SEND, CONFIRM)
        return (FETCH, *made, TIDY) if params["url_file"] or _is_url(params["source"]) else made

    async def target(self, context: Context, params: ImportPackage) -> Target:
        """What the package contains and where it goes; refused when it cannot be imported or the name is taken."""
        title = _title(params)
        source = await _source(context.settings, params)
        try:
            found = await _preview(context, source)
        except (PackageRefused, LimitReached) as error:
            checks = (refuse("package", str(error)),)
            return Target(key=_key(source), name=title, params=params.model_dump(), checks=checks)
        name = params.name or found.outline.vm
        exact: dict[str, Any] = {**params.model_dump(), "name": name}
        placed, place = await check_place(context, params, name, found.outline.networks, found.size)
        return Target(
            key=f"{_key(source)}:{place['vcenter']}:{name}",
            name=f"{title} as {context.vcenters.shown(place['vcenter'], name[:LONGEST_NAME])}",
            vcenter=place["vcenter"],
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
            return {**await deployment.deploy(partial(_read, context, params, root, path)), **source}
        download = Download(settings, context.workers, job.job_id)
        try:
            file = await _fetch(job, download, partial(_source, settings, params))
            made = await deployment.deploy(partial(_read, context, params, download.folder, file))
        except Exception:
            await job.step_as(StepResult, TIDY, download.discard, part="give up", cleanup=True)
            raise
        await job.step_as(StepResult, TIDY, download.discard, cleanup=True)
        return {**made, **source}


ACTION = ImportOvf()


async def _preview(context: Context, source: str) -> _Preview:
    settings = context.settings
    if _is_url(source):
        found = await read_remote(source, settings, context.workers)
        checks = [CHECKED_LATER, *_licence_checks(found.outline), *_space_checks(settings, found.size)]
        return _Preview(found.outline, found.size or 0, checks)
    contents = await _contents(context, *locate(settings, source))
    size = sum(file.size for file in contents.files)
    return _Preview(contents.outline, size, [*_licence_checks(contents.outline), *contents.checks])


async def _contents(context: Context, root: Path, path: str) -> Contents:
    return await context.workers.run("read_contents", Contents, root=str(root), path=path, advice=CHECK_IN_THE_SHELL)


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
        return FetchedFile(size=size, detail=f"{reference.name}: {amount(size)}")

    for each in fetched.references:
        file = await job.step_as(FetchedFile, FETCH, partial(fetch, each, done), part=each.name, interruptible=True)
        done += file.size
    return fetched.file


async def _read(context: Context, params: ImportPackage, root: Path, path: str) -> Deployable:
    contents = await _contents(context, root, path)
    return Deployable(
        title=_title(params),
        vm=params.name,
        note=f"Imported from {_title(params)}.",
        root=str(root),
        descriptor=contents.text,
        files=contents.files,
        networks=contents.outline.networks,
        capacities=contents.outline.capacities,
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


def _licence_checks(outline: Outline) -> list[Check]:
    if not outline.has_licence:
        return []
    message = "The package contains a licence (EulaSection), and importing the package accepts it. Read it first."
    return [warn("licence", message)]


def _space_checks(settings: Settings, size: int | None) -> list[Check]:
    free = free_space(settings.downloads_dir)
    if size is None:
        message = "The server does not report the size of the package; the import fails when the disk is full."
        return [warn("size-unknown", message)]
    keep = settings.keep_free_bytes
    if size + keep <= free and size <= LARGEST_PACKAGE:
        return []
    message = (
        f"The package has {amount(size)}, and {amount(free)} are free in {settings.data_dir}, where it is downloaded "
        f"to; {amount(keep)} stay free for the databases (VMKOPS_KEEP_FREE). Free up disk space there."
    )
    return [refuse("download-room", message)]
