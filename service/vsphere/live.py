"""The live inventory of one vCenter: one update stream feeds an indexed cache, so that no lookup waits for SOAP.

One thread keeps a property collector open (`WaitForUpdatesEx`). Each answer, also an empty one, shows that the cache
is current. When vCenter does not answer, the last state stays readable, with its age.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from pyVmomi import vim, vmodl

from service.api.models import Freshness
from service.errors import CredentialsRefused, VmkopsError, VSphereUnavailable
from service.retry import pause
from service.vsphere.faults import translate
from service.vsphere.login import REFUSED_SECONDS
from service.vsphere.names import unescaped
from service.vsphere.selectors import Index, Located
from service.vsphere.session import Instance, Session

log = logging.getLogger(__name__)

SLICE_SECONDS = 10
"""How long one request for updates stays open when nothing changes."""
LATE_SECONDS = 25
"""Silence after which vCenter counts as unavailable, and after which a request for updates is given up."""
FIRST_LOAD_SECONDS = 300
"""How long one request of the first load may take: vCenter collects all objects before it sends the first page."""
LOAD_SECONDS = 20.0
"""How long a lookup waits for the first load."""
PAGE = 500
"""The most objects in one answer."""

T = TypeVar("T", bound=Located)


class Kind(NamedTuple, Generic[T]):
    """One kind of managed objects in the inventory: its properties, how they are read, and how objects are found."""

    type: type
    properties: list[str]
    read: Callable[[str, str, dict[str, Any]], T]
    """Makes the value from the vCenter's name, the moref and the properties; an unset property is absent."""
    fields: Mapping[str, str]
    """The words that selectors may use, such as `ipaddr`, and the attribute that each one means."""
    facts: Callable[[T, Inventory], str] = lambda _item, _inventory: ""
    """What tells an object apart from another one of its name in the same vCenter, in a few words."""


class About(NamedTuple):
    """What a vCenter or a host says that it is; both are empty before the first sign-in."""

    product: str = ""
    """Such as `VMware vCenter Server 8.0.2 build-22385739`."""
    version: str = ""


class _Cache:
    """The property values by moref, and the objects made of them."""

    def __init__(self, kinds: tuple[Kind[Any], ...]) -> None:
        self.values: dict[str, dict[str, Any]] = {}
        self.indexes: dict[type, Index[Any]] = {kind.type: Index(kind.fields) for kind in kinds}


class Inventory:
    """The inventory of one vCenter; `start` and `stop` it, and call it from any thread."""

    def __init__(self, session: Session, kinds: tuple[Kind[Any], ...]) -> None:
        self._session = session
        self._kinds = {kind.type: kind for kind in kinds}
        self._lock = threading.Lock()
        self._cache: _Cache | None = None
        self._as_of: datetime | None = None
        self._last_answer = 0.0
        self._error: VmkopsError | None = None
        self._clock_ahead = timedelta()
        self._about = About()
        self._wake = threading.Event()
        self._stopping = False

    def start(self) -> None:
        """Begin to follow vCenter in a thread of its own, which ends with the process."""
        name = f"inventory-{self._session.vcenter.name}"
        threading.Thread(target=self._follow_until_stopped, name=name, daemon=True).start()

    def stop(self) -> None:
        """Stop following vCenter at its next answer."""
        self._stopping = True
        self._wake.set()

    def freshness(self) -> Freshness:
        """How current the inventory is."""
        with self._lock:
            silent = time.monotonic() - self._last_answer
            current = self._cache is not None and self._error is None and silent < LATE_SECONDS
            trouble = str(self._error or "") or ("" if current else "vCenter has not answered yet.")
            return Freshness(
                vcenter=self._session.vcenter.name,
                connected=current,
                as_of=self._as_of,
                age_seconds=int(silent) if self._as_of else None,
                objects=len(self._cache.values) if self._cache else 0,
                trouble="" if current else trouble,
            )

    async def ready(self) -> None:
        """Wait for the first load; after it, return at once, however old the state is.

        Raises the error that prevents the load, or VSphereUnavailable when it takes too long.
        """
        deadline = time.monotonic() + LOAD_SECONDS
        while self._cache is None:
            if self._error is not None:
                if not isinstance(self._error, CredentialsRefused):
                    self._wake.set()  # somebody waits, so end the pause now
                raise type(self._error)(str(self._error))
            if time.monotonic() > deadline:
                raise VSphereUnavailable(
                    f"The inventory of {self._session.vcenter.host} is still loading. Try again in a minute."
                )
            await asyncio.sleep(0.02)

    def find(self, kind: Kind[T], word: str, value: str) -> list[T]:
        """The objects whose field `word` (a key of `Kind.fields`) is `value`, in upper or lower case."""
        with self._lock:
            index = self._cache.indexes.get(kind.type) if self._cache else None
            return index.find(word, value) if index else []

    def name_of(self, of: type, moref: str) -> str:
        """The name of the object of this vSphere type; empty when it is not known."""
        with self._lock:
            index = self._cache.indexes.get(of) if self._cache else None
            found = index.find("moref", moref) if index else []
            return found[0].name if found else ""

    def all(self, kind: Kind[T]) -> list[T]:
        """All objects of a kind."""
        with self._lock:
            return self._cache.indexes[kind.type].all() if self._cache else []

    def about(self) -> About:
        """What the vCenter is, as known from the last sign-in."""
        return self._about

    def server_time(self) -> datetime:
        """The time of vCenter's clock, as known from the last sign-in."""
        return datetime.now(UTC) + self._clock_ahead

    def _follow_until_stopped(self) -> None:
        failures = 0
        while not self._stopping:
            began = time.monotonic()
            try:
                with self._session.login.of_its_own(LATE_SECONDS) as instance:
                    self._follow(instance)
            except vim.fault.NotAuthenticated as error:
                if self._stopping:
                    return
                if self._last_answer > began:
                    continue  # the login had worked, and somebody ended it: sign in again at once
                self._failed(translate(error, self._session.vcenter))
            except Exception as error:
                if self._stopping:
                    return
                self._failed(translate(error, self._session.vcenter))
            failures = 1 if time.monotonic() - began > LATE_SECONDS else failures + 1
            self._wake.clear()
            self._wake.wait(REFUSED_SECONDS if isinstance(self._error, CredentialsRefused) else pause(failures))

    def _failed(self, error: VmkopsError) -> None:
        with self._lock:
            known = self._error is not None and str(self._error) == str(error)
            self._error = error
        if not known:
            log.warning("the inventory is not current: %s", error, extra={"vcenter": self._session.vcenter.name})

    def _follow(self, instance: Instance) -> None:
        """Load everything, then follow the changes; ends with an error. The login is the inventory's own: whatever is
        made here in vCenter, a view and a collector, ends with it, also when nobody can be asked to destroy it.
        """
        self._clock_ahead = instance.CurrentTime() - datetime.now(UTC)
        content = instance.content
        self._about = About(content.about.fullName or "", content.about.version or "")
        view = content.viewManager.CreateContainerView(content.rootFolder, list(self._kinds), True)
        collector = content.propertyCollector.CreatePropertyCollector()
        collector.CreateFilter(self._wanted(view), partialUpdates=False)
        fresh = _Cache(tuple(self._kinds.values()))
        version, loaded = "", False
        with self._session.login.beside(instance, FIRST_LOAD_SECONDS) as patient:
            first = vmodl.query.PropertyCollector(collector._moId, patient._stub)
            while not loaded and not self._stopping:
                version, loaded = self._wait(first, version, fresh)
        # With a shorter limit than other calls have, an unplugged vCenter is noticed sooner.
        while not self._stopping:
            version, _ = self._wait(collector, version, fresh)

    def _wanted(self, view: Any) -> Any:
        specs = vmodl.query.PropertyCollector
        walk = specs.TraversalSpec(name="view", path="view", skip=False, type=vim.view.ContainerView)
        return specs.FilterSpec(
            objectSet=[specs.ObjectSpec(obj=view, skip=True, selectSet=[walk])],
            propSet=[
                specs.PropertySpec(type=kind.type, pathSet=kind.properties, all=False) for kind in self._kinds.values()
            ],
        )

    def _wait(self, collector: Any, version: str, fresh: _Cache) -> tuple[str, bool]:
        """Take the changes since `version`; returns the new version, and whether vCenter has sent everything."""
        options = vmodl.query.PropertyCollector.WaitOptions(maxWaitSeconds=SLICE_SECONDS, maxObjectUpdates=PAGE)
        update = collector.WaitForUpdatesEx(version, options)
        self._take(fresh, update)
        return (version, True) if update is None else (str(update.version), not update.truncated)

    def _take(self, fresh: _Cache, update: Any) -> None:
        with self._lock:
            for changed in update.filterSet if update else []:
                for item in changed.objectSet:
                    self._change(fresh, item)
            if update is None or not update.truncated:
                self._cache = fresh
                self._error = None
                self._as_of = datetime.now(UTC)
                self._last_answer = time.monotonic()

    def _change(self, cache: _Cache, item: Any) -> None:
        kind = next((each for of, each in self._kinds.items() if isinstance(item.obj, of)), None)
        if kind is None:
            return
        moref: str = item.obj._moId
        if item.kind == "leave":
            cache.values.pop(moref, None)
            cache.indexes[kind.type].drop(moref)
            return
        values = cache.values.setdefault(moref, {})
        for change in item.changeSet or []:
            if change.val is None or change.op in ("remove", "indirectRemove"):
                values.pop(change.name, None)
            else:
                values[change.name] = unescaped(change.name, change.val)
        cache.indexes[kind.type].put(kind.read(self._session.vcenter.name, moref, values))
