"""The tags of the VMs of one vCenter: read for one VM or for all, matched with what people write, and set again."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from service.errors import NotFound, VmkopsError, VSphereRefused, VSphereUnavailable
from service.vsphere.login import Login
from service.vsphere.vapi import NotPermitted, Vapi, VapiLogin

TAG, CATEGORY, ASSOCIATION = "tagging/tag", "tagging/category", "tagging/tag-association"
VM = "VirtualMachine"
SELECTOR = "tag:"
"""What people write before a tag to select VMs: `tag:gold`, `tag:Backup/gold` or `tag:Backup=gold`."""
KEPT_SECONDS = 60.0
"""How long what was read is used again."""
SECONDS = 60.0
"""How long the tags of all VMs, or of the VM of a job, may take to read."""
LOOK_SECONDS = 3.0
"""How long a lookup waits for the tags of its VM."""
ATTACH_PRIVILEGE = "InventoryService.Tagging.AttachTag"
WHERE = "as a global permission or on the tag"
"""Where vSphere looks for that privilege: a permission on the VM does not count (vSphere Security, tag objects)."""
TOGETHER = 500
"""Tags whose objects are asked for in one call."""


class Tag(BaseModel):
    """One tag: its name, and the name of its category."""

    model_config = ConfigDict(frozen=True)

    category: str
    name: str

    def __str__(self) -> str:
        return f"{self.category}/{self.name}"


Tags = tuple[Tag, ...]


def fits(tag: Tag, wanted: str) -> bool:
    """Whether a tag is the one that `wanted` means: `NAME`, `CATEGORY/NAME` or `CATEGORY=NAME`, in any case.

    Names may contain `/` and `=` themselves, so the text is compared as a whole.
    """
    text = wanted.strip().casefold()
    return text in {each.casefold() for each in (tag.name, f"{tag.category}/{tag.name}", f"{tag.category}={tag.name}")}


class Tagging:
    """The tags of one vCenter. A stand-alone host has none.

    The methods raise VSphereUnavailable, CredentialsRefused or VSphereRefused when the REST API of vCenter does not
    answer or refuses; that API has a service and a login of its own, so the rest of vCenter may well work.
    """

    def __init__(
        self, login: Login, is_host: Callable[[], Any], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._vapi = VapiLogin(login, clock=clock)
        self._is_host = is_host
        self._clock = clock
        self._lock = asyncio.Lock()
        self._all: tuple[float, Mapping[str, Tags]] | None = None
        self._looked: dict[str, tuple[float, Tags, str]] = {}

    async def of_vms(self) -> Mapping[str, Tags]:
        """The tags of all VMs that have some, by moref; read in a few calls, and used again for a minute."""
        async with self._lock:
            if self._all is None or self._clock() - self._all[0] > KEPT_SECONDS:
                self._all = self._clock(), await self._limited(self._read_all, {})
            return self._all[1]

    async def of_vm(self, moref: str) -> Tags:
        """The tags of one VM, read now."""

        async def read(vapi: Vapi) -> Tags:
            subject = {"object_id": {"type": VM, "id": moref}}
            ids = await vapi.ask("POST", ASSOCIATION, action="list-attached-tags", body=subject) or []
            return tuple(sorted((await _named(vapi, ids)).values(), key=str))

        found: Tags = await self._limited(read, ())
        return found

    async def look(self, moref: str) -> tuple[Tags, str]:
        """The tags of one VM for a lookup, at most a minute old, and why they are unknown; never raises."""
        at, tags, problem = self._looked.get(moref, (float("-inf"), (), ""))
        if self._clock() - at <= KEPT_SECONDS:
            return tags, problem
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                tags, problem = await self.of_vm(moref), ""
        except TimeoutError:
            tags, problem = (), f"vCenter did not answer within {LOOK_SECONDS:g} seconds."
        except VmkopsError as error:
            tags, problem = (), str(error)
        now = self._clock()
        self._looked = {key: value for key, value in self._looked.items() if now - value[0] <= KEPT_SECONDS}
        self._looked[moref] = now, tags, problem
        return tags, problem

    async def attach(self, moref: str, wanted: Sequence[Tag]) -> list[str]:
        """Attach tags to a VM; returns a warning for those that vCenter does not have, and for each that it refuses."""

        async def attach(vapi: Vapi) -> list[str]:
            known = await _find(vapi, wanted)
            warnings = []
            if missing := [str(tag) for tag in wanted if tag not in known]:
                warnings.append(f"vCenter does not have these tags, so they were not set: {', '.join(missing)}.")
            for tag, key in known.items():
                subject = {"object_id": {"type": VM, "id": moref}}
                try:
                    await vapi.ask("POST", ASSOCIATION, key, "attach", subject)
                except NotPermitted as error:
                    warnings.append(f"The tag {tag} was not set: {error} Grant {ATTACH_PRIVILEGE} {WHERE}.")
                except (NotFound, VSphereRefused) as error:
                    warnings.append(f"The tag {tag} was not set: {error}")
            return warnings

        return await self._limited(attach, []) if wanted else []

    async def _limited(self, read: Callable[[Vapi], Any], nothing: Any) -> Any:
        """What `read` returns, or `nothing` for a stand-alone host."""
        if await self._is_host():
            return nothing
        try:
            async with asyncio.timeout(SECONDS), self._vapi.session(SECONDS) as vapi:
                return await read(vapi)
        except TimeoutError as error:
            raise VSphereUnavailable(f"The tags could not be read within {SECONDS:g} seconds.") from error

    async def _read_all(self, vapi: Vapi) -> Mapping[str, Tags]:
        ids = await vapi.ask("GET", TAG) or []
        vms: dict[str, set[str]] = defaultdict(set)
        for start in range(0, len(ids), TOGETHER):
            body = {"tag_ids": ids[start : start + TOGETHER]}
            for each in await vapi.ask("POST", ASSOCIATION, action="list-attached-objects-on-tags", body=body) or []:
                for found in each.get("object_ids") or []:
                    if found["type"] == VM:
                        vms[found["id"]].add(each["tag_id"])
        names = await _named(vapi, sorted(set().union(*vms.values())))
        return {
            moref: tuple(sorted((names[key] for key in attached if key in names), key=str))
            for moref, attached in vms.items()
        }


async def _named(vapi: Vapi, ids: Iterable[str]) -> dict[str, Tag]:
    """The tags with these ids, without those that somebody has deleted meanwhile or that the user may not read."""
    tags = await _read(vapi, TAG, ids)
    categories = await _read(vapi, CATEGORY, {each["category_id"] for each in tags.values()})
    return {
        key: Tag(category=categories[each["category_id"]]["name"], name=each["name"])
        for key, each in tags.items()
        if each["category_id"] in categories
    }


async def _find(vapi: Vapi, wanted: Sequence[Tag]) -> dict[Tag, str]:
    """The ids of those tags that vCenter has."""
    names = {tag.category for tag in wanted}
    categories = await _read(vapi, CATEGORY, await vapi.ask("GET", CATEGORY) or [])
    found = {}
    for key, category in categories.items():
        if category["name"] in names:
            ids = await vapi.ask("POST", TAG, key, "list-tags-for-category") or []
            for tag_key, tag in (await _read(vapi, TAG, ids)).items():
                found[Tag(category=category["name"], name=tag["name"])] = tag_key
    return {tag: found[tag] for tag in wanted if tag in found}


async def _read(vapi: Vapi, service: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The objects with these ids that are there."""

    async def read(key: str) -> tuple[str, dict[str, Any] | None]:
        try:
            return key, await vapi.ask("GET", service, key)
        except NotFound:
            return key, None

    return {key: each for key, each in await asyncio.gather(*map(read, ids)) if each is not None}
