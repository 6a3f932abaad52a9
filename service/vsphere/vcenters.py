"""All vCenters and stand-alone hosts of the settings, each with a session and a live inventory, and selectors."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from service.api.models import Freshness
from service.api.vcenter import VCenter
from service.errors import NotConfigured, NotFound, VmkopsError, VSphereUnavailable
from service.vsphere.direct import DirectLookups
from service.vsphere.folders import Folders
from service.vsphere.live import Inventory, Kind
from service.vsphere.selectors import (
    Candidate,
    Located,
    Selector,
    choose,
    exact_selector,
    no_vcenter,
    not_found,
    read_exact,
    read_selector,
    typed_selector,
)
from service.vsphere.session import Session

CATCH_UP_SECONDS = 1.0
"""How long a lookup waits for an object that was made a moment ago."""
LOOK_SECONDS = 3.0
"""How long a pre-flight waits for vCenter itself. The job checks again in any case."""

NONE_SET = (
    "No vCenter is set. Set VMKOPS_VCENTER_URL, VMKOPS_VCENTER_USER and VMKOPS_VCENTER_PASSWORD (in the environment or "
    "vmkops.toml), or a table [vcenters.NAME] for each of several, then restart."
)

R = TypeVar("R")
T = TypeVar("T", bound=Located)


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One vCenter or stand-alone host: its session and its live inventory."""

    session: Session
    inventory: Inventory
    direct: DirectLookups
    folders: Folders

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self.session.vcenter.name


class VCenters:
    """The links by name. When the settings have none, the methods raise NotConfigured."""

    def __init__(self, vcenters: Sequence[VCenter], kinds: tuple[Kind[Any], ...]) -> None:
        self._links: dict[str, Link] = {}
        for vcenter in vcenters:
            session = Session(vcenter)
            inventory = Inventory(session, kinds)
            self._links[vcenter.name] = Link(
                session=session, inventory=inventory, direct=DirectLookups(session), folders=Folders(session)
            )

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow every vCenter for as long as the block runs, and sign out at its end."""
        for link in self._links.values():
            link.inventory.start()
        try:
            yield
        finally:
            for link in self._links.values():
                link.inventory.stop()
                await link.session.close()

    def links(self) -> list[Link]:
        """All links, the one of VMKOPS_VCENTER_URL first."""
        if not self._links:
            raise NotConfigured(NONE_SET)
        return list(self._links.values())

    def link(self, name: str) -> Link:
        """The link with this name, whose case does not matter; raises NotFound."""
        known = {link.name: link for link in self.links()}
        found = known.get(name) or next((link for link in known.values() if link.name.lower() == name.lower()), None)
        if found is None:
            raise no_vcenter(name, list(known))
        return found

    def names(self) -> list[str]:
        """The names of all vCenters and hosts of the settings; empty when they have none."""
        return list(self._links)

    def shown(self, vcenter: str, name: str) -> str:
        """The name of an object for people: `prod/web-01` with its vCenter's when there are several.

        A vCenter that the settings no longer have, such as that of an old backup, counts as another one.
        """
        return f"{vcenter}/{name}" if len({*self._links, vcenter}) > 1 else name

    def typed(self, kind: Kind[T], vcenter: str, moref: str) -> str:
        """The shortest selector that people can type and that means only this object."""
        inventory = self.link(vcenter).inventory
        found = inventory.find(kind, "moref", moref)
        return self._typed(kind, found[0]) if found else exact_selector(vcenter, moref)

    def named(self, name: str) -> Link:
        """The link with this name, or the first one for an empty name; raises NotFound."""
        return self.link(name) if name else self.links()[0]

    def at(self, selector: str) -> tuple[Session, str]:
        """The session and the moref of an exact selector, such as jobs have; asks no vCenter."""
        vcenter, moref = read_exact(selector)
        return self.link(vcenter).session, moref

    def freshness(self) -> list[Freshness]:
        """How current each inventory is; empty when no vCenter is set."""
        return [link.inventory.freshness() for link in self._links.values()]

    async def all(self, kind: Kind[T]) -> list[T]:
        """All objects of a kind, sorted by name; raises the first error when no vCenter could be read so far."""
        links, _ = await self._ready(self.links())
        return sorted((each for link in links for each in link.inventory.all(kind)), key=lambda each: each.name.lower())

    def pinned(self, selector: str, vcenter: str) -> str:
        """The selector with the name of this vCenter before it, unless it has one or there is only one vCenter."""
        _, rest = self.narrow(selector)
        return f"{vcenter}/{selector.strip()}" if rest == selector and len(self._links) > 1 else selector

    def _typed(self, kind: Kind[T], item: T) -> str:
        alike = self.link(item.vcenter).inventory.find(kind, "name", item.name)
        same = [each for each in alike if each.name == item.name and each.moref != item.moref]
        return typed_selector(item, unique=not same, several=len(self._links) > 1)

    async def find(self, kind: Kind[T], selector: str, noun: str) -> T:
        """The one object that a selector matches; `lab/` before it limits the search to one vCenter of several.

        What the inventory does not have is looked up in each vCenter that answers.
        `noun` is what the errors call the object. Raises NotFound with similar names, Ambiguous with a selector for
        each candidate, and InvalidParams for an empty selector.
        """
        wanted, text = self.narrow(selector)
        links, unread = await self._ready(wanted)
        parts = read_selector(text, kind.fields, noun)

        def describe(item: T) -> Candidate:
            return Candidate(self._typed(kind, item), kind.facts(item, self.link(item.vcenter).inventory))

        def chosen() -> T | None:
            found = [each for link in links for each in link.inventory.find(kind, parts.kind, parts.text)]
            return choose(found, kind.fields[parts.kind], parts, noun, describe)

        if (found := await self.soon(links, chosen)) is not None:
            return found
        answering = [link for link in links if link.inventory.freshness().connected]
        direct = await asyncio.gather(*(link.direct.find(kind, parts) for link in answering))
        every = [each for few in direct for each in few]
        if made := choose(every, kind.fields[parts.kind], parts, noun, describe):
            return made
        doubts = [link.inventory.freshness().words() for link in (*links, *unread)]
        more = "".join(f" {each}" for each in doubts if each)
        if unknown := self._unknown_vcenter(kind, parts):
            raise unknown
        names = [each.name for link in links for each in link.inventory.all(kind)]
        raise await asyncio.to_thread(not_found, names, parts, noun, more)

    async def soon(self, links: Sequence[Link], find: Callable[[], R | None]) -> R | None:
        """The first result of `find` that is not None, now or within a second: the inventory lags a little behind."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while (found := find()) is None and time.monotonic() < deadline:
            if not any(link.inventory.freshness().connected for link in links):
                break  # no update will come
            await asyncio.sleep(0.05)
        return found

    def _unknown_vcenter(self, kind: Kind[T], parts: Selector) -> NotFound | None:
        """The error for a selector such as `nope/web-01`; None when it does not begin with the name of a vCenter.

        The names of objects have slashes too, so this is not asked before nothing was found.
        """
        name, slash, rest = parts.text.partition("/")
        if parts.kind != "name" or not slash or not rest:
            return None
        found = read_selector(rest, kind.fields, "object")
        fitting = [each for link in self.links() for each in link.inventory.find(kind, found.kind, found.text)]
        return no_vcenter(name, self.names(), [self._typed(kind, each) for each in fitting])

    def narrow(self, selector: str) -> tuple[list[Link], str]:
        """The vCenters that a selector is about, and the selector without the name of its vCenter."""
        name, slash, rest = selector.strip().partition("/")
        named = [link for link in self.links() if slash and link.name.lower() == name.lower()]
        return (named, rest) if named else (self.links(), selector)

    async def _ready(self, links: list[Link]) -> tuple[list[Link], list[Link]]:
        waited = await asyncio.gather(*(link.inventory.ready() for link in links), return_exceptions=True)
        readable: list[Link] = []
        unread: list[Link] = []
        for link, outcome in zip(links, waited, strict=True):
            if outcome is not None and not isinstance(outcome, VmkopsError):
                raise outcome
            (readable if outcome is None else unread).append(link)
        if not readable:
            raise next(outcome for outcome in waited if outcome is not None)
        return readable, unread


async def look(link: Link, reading: Awaitable[R]) -> R | None:
    """The result of a pre-flight that reads from vCenter itself; None when vCenter is slow.

    The job may then be queued, because it checks again at its start. Raises VSphereUnavailable when vCenter is known
    not to answer.
    """
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await reading
    except TimeoutError:
        if doubt := link.inventory.freshness().words():
            raise VSphereUnavailable(doubt) from None
        return None
