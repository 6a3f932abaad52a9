"""Every vCenter and stand-alone host of the settings: a session and a live inventory each, and which one is meant."""

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
from service.vsphere.live import Inventory, Kind
from service.vsphere.selectors import Located, choose, not_found, read_exact, read_selector
from service.vsphere.session import Session

CATCH_UP_SECONDS = 1.0
LOOK_SECONDS = 3.0
"""How long a pre-flight waits for what only vCenter can tell; the job looks again in any case."""

NONE_SET = (
    "No vCenter is set. Set VMKOPS_VCENTER_URL, VMKOPS_VCENTER_USER and VMKOPS_VCENTER_PASSWORD (in the environment or "
    "vmkops.toml), or a table [vcenters.NAME] for each of several, and start again."
)

R = TypeVar("R")
T = TypeVar("T", bound=Located)


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One vCenter or stand-alone host: its session, and what is known of its inventory."""

    session: Session
    inventory: Inventory

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self.session.vcenter.name


class VCenters:
    """The links by name; where none is set, everything raises NotConfigured."""

    def __init__(self, vcenters: Sequence[VCenter], kinds: tuple[Kind[Any], ...]) -> None:
        self._links: dict[str, Link] = {}
        for vcenter in vcenters:
            session = Session(vcenter)
            self._links[vcenter.name] = Link(session=session, inventory=Inventory(session, kinds))

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Keep every inventory current for as long as the block runs, and sign out after it."""
        for link in self._links.values():
            link.inventory.start()
        try:
            yield
        finally:
            for link in self._links.values():
                link.inventory.stop()
                await link.session.close()

    def links(self) -> list[Link]:
        """Every one, the one of VMKOPS_VCENTER_URL first."""
        if not self._links:
            raise NotConfigured(NONE_SET)
        return list(self._links.values())

    def link(self, name: str) -> Link:
        """The one with this name; raises NotFound."""
        known = {link.name: link for link in self.links()}
        if name not in known:
            raise NotFound(
                f"No vCenter is called {name[:60]!r} in the settings. There are: {', '.join(known)}.", list(known)
            )
        return known[name]

    def named(self, name: str) -> Link:
        """The one with this name, or the first where no name is given; raises NotFound."""
        return self.link(name) if name else self.links()[0]

    def at(self, selector: str) -> tuple[Session, str]:
        """The session and the moref of an exact selector, as jobs have them; looks nothing up."""
        vcenter, moref = read_exact(selector)
        return self.link(vcenter).session, moref

    def seen(self) -> list[Freshness]:
        """How current each inventory is; empty where no vCenter is set."""
        return [link.inventory.seen() for link in self._links.values()]

    async def all(self, kind: Kind[T]) -> list[T]:
        """Everything of a kind, by name; raises when no vCenter at all could be read so far."""
        links, _ = await self._ready(self.links())
        return sorted((each for link in links for each in link.inventory.all(kind)), key=lambda each: each.name.lower())

    async def find(self, kind: Kind[T], selector: str, noun: str) -> T:
        """The one thing that a selector means, `lab/` before it for one vCenter of several.

        Raises NotFound with near names, Ambiguous with a selector for each candidate, InvalidParams for an empty one.
        """
        wanted, text = self._narrow(selector)
        links, unread = await self._ready(wanted)
        asked = read_selector(text, kind.fields, noun)

        def chosen() -> T | None:
            found = [each for link in links for each in link.inventory.find(kind, asked.kind, asked.text)]
            return choose(found, kind.fields[asked.kind], asked, noun)

        if (thing := await self.soon(links, chosen)) is not None:
            return thing
        doubts = [link.inventory.seen().words() for link in (*links, *unread)]
        more = "".join(f" {each}" for each in doubts if each)
        names = [each.name for link in links for each in link.inventory.all(kind)]
        raise await asyncio.to_thread(not_found, names, asked, noun, more)

    async def soon(self, links: Sequence[Link], found: Callable[[], R | None]) -> R | None:
        """What `found` gives, now or within a second: what was made a moment ago is on its way here."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while (thing := found()) is None and time.monotonic() < deadline:
            if not any(link.inventory.seen().connected for link in links):
                break  # no news will come
            await asyncio.sleep(0.05)
        return thing

    def _narrow(self, selector: str) -> tuple[list[Link], str]:
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
    """What a pre-flight reads from vCenter itself; None when vCenter is there but slow.

    The job may then be queued, as it looks again at its start. Raises VSphereUnavailable when vCenter is gone.
    """
    try:
        return await asyncio.wait_for(reading, LOOK_SECONDS)
    except TimeoutError:
        if doubt := link.inventory.seen().words():
            raise VSphereUnavailable(doubt) from None
        return None
