"""The live inventory of one vCenter: one update stream feeds an indexed cache, so that no look-up waits for SOAP.

A thread of its own holds one property collector open (`WaitForUpdatesEx`); each answer, also an empty one, says that
what is kept is current. When vCenter goes away the last state stays readable, and says how old it is.
"""

from __future__ import annotations

import asyncio
import contextlib
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
from service.vsphere.selectors import Index, Located
from service.vsphere.session import Instance, Session

log = logging.getLogger(__name__)

SLICE_SECONDS = 10
"""How long one question to vCenter stays open when nothing changes."""
LATE_SECONDS = 25
"""Silence after which vCenter counts as gone, and after which a question to it is given up."""
LOAD_SECONDS = 20.0
"""How long a look-up waits for the first load."""
REFUSED_SECONDS = 300.0
"""Pause after a refused password: asking faster would lock the account."""
PAGE = 500
"""Objects in one answer."""

T = TypeVar("T", bound=Located)


class Kind(NamedTuple, Generic[T]):
    """What is kept of one type of managed objects: which properties, how they are read, and by what it is found."""

    type: type
    properties: list[str]
    read: Callable[[str, str, dict[str, Any]], T]
    """From the vCenter's name, the moref and the properties; an unset property is absent."""
    fields: Mapping[str, str]


class _Cache:
    """What was read so far: values by moref, and the things made of them."""

    def __init__(self, kinds: tuple[Kind[Any], ...]) -> None:
        self.values: dict[str, dict[str, Any]] = {}
        self.indexes: dict[type, Index[Any]] = {kind.type: Index(kind.fields) for kind in kinds}


class Inventory:
    """Keeps what one vCenter holds; `start` and `stop` it, ask it from any thread."""

    def __init__(self, session: Session, kinds: tuple[Kind[Any], ...]) -> None:
        self._session = session
        self._kinds = {kind.type: kind for kind in kinds}
        self._lock = threading.Lock()
        self._cache: _Cache | None = None
        self._as_of: datetime | None = None
        self._heard = 0.0
        self._error: VmkopsError | None = None
        self._clock_ahead = timedelta()
        self._wake = threading.Event()
        self._stopping = False

    def start(self) -> None:
        """Begin to follow vCenter, in a thread that ends with the process."""
        threading.Thread(target=self._keep, name=f"inventory-{self._session.vcenter.name}", daemon=True).start()

    def stop(self) -> None:
        """End at the next answer of vCenter."""
        self._stopping = True
        self._wake.set()

    def seen(self) -> Freshness:
        """How current it is."""
        with self._lock:
            silent = time.monotonic() - self._heard
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
        """Wait for the first load; raises why there is none. Later it returns at once, however old the state is."""
        deadline = time.monotonic() + LOAD_SECONDS
        while self._cache is None:
            if self._error is not None:
                if not isinstance(self._error, CredentialsRefused):
                    self._wake.set()  # somebody asks: do not sit out the pause
                raise type(self._error)(str(self._error))
            if time.monotonic() > deadline:
                raise VSphereUnavailable(
                    f"The inventory of {self._session.vcenter.host} is still being read. Try again in a minute."
                )
            await asyncio.sleep(0.02)

    def find(self, kind: Kind[T], word: str, value: str) -> list[T]:
        """The things whose field `word` is `value`, in any case."""
        with self._lock:
            return self._cache.indexes[kind.type].find(word, value) if self._cache else []

    def all(self, kind: Kind[T]) -> list[T]:
        """Every thing of a kind."""
        with self._lock:
            return self._cache.indexes[kind.type].all() if self._cache else []

    def server_time(self) -> datetime:
        """vCenter's clock, as far as it is known."""
        return datetime.now(UTC) + self._clock_ahead

    def _keep(self) -> None:
        failures = 0
        while not self._stopping:
            began = time.monotonic()
            try:
                self._session.run(self._follow)
            except Exception as error:
                if self._stopping:
                    return
                self._failed(translate(error, self._session.vcenter))
            failures = 1 if time.monotonic() - began > LATE_SECONDS else failures + 1
            self._wake.clear()
            self._wake.wait(REFUSED_SECONDS if isinstance(self._error, CredentialsRefused) else pause(failures))

    def _failed(self, error: VmkopsError) -> None:
        with self._lock:
            said = self._error is not None and str(self._error) == str(error)
            self._error = error
        if not said:
            log.warning("the inventory is not current: %s", error, extra={"vcenter": self._session.vcenter.name})

    def _follow(self, instance: Instance) -> None:
        # Connections of its own: an unplugged vCenter is noticed sooner than by a call that may take its time.
        with self._session.beside(instance, LATE_SECONDS) as ours:
            self._clock_ahead = ours.CurrentTime() - datetime.now(UTC)
            content = ours.content
            kinds = list(self._kinds)
            view = content.viewManager.CreateContainerView(content.rootFolder, kinds, True)
            collector = content.propertyCollector.CreatePropertyCollector()
            try:
                self._stream(collector, view)
            except vmodl.MethodFault as fault:
                if not isinstance(fault, vim.fault.NotAuthenticated):  # the session has taken them along
                    with contextlib.suppress(Exception):
                        collector.DestroyPropertyCollector()
                        view.DestroyView()
                raise

    def _stream(self, collector: Any, view: Any) -> None:
        specs = vmodl.query.PropertyCollector
        walk = specs.TraversalSpec(name="view", path="view", skip=False, type=vim.view.ContainerView)
        wanted = specs.FilterSpec(
            objectSet=[specs.ObjectSpec(obj=view, skip=True, selectSet=[walk])],
            propSet=[
                specs.PropertySpec(type=kind.type, pathSet=kind.properties, all=False) for kind in self._kinds.values()
            ],
        )
        collector.CreateFilter(wanted, partialUpdates=False)
        fresh = _Cache(tuple(self._kinds.values()))
        version = ""
        while not self._stopping:
            options = specs.WaitOptions(maxWaitSeconds=SLICE_SECONDS, maxObjectUpdates=PAGE)
            update = collector.WaitForUpdatesEx(version, options)
            version = update.version if update else version
            self._take(fresh, update)

    def _take(self, fresh: _Cache, update: Any) -> None:
        with self._lock:
            for changed in update.filterSet if update else []:
                for item in changed.objectSet:
                    self._change(fresh, item)
            if update is None or not update.truncated:
                self._cache = fresh
                self._error = None
                self._as_of = datetime.now(UTC)
                self._heard = time.monotonic()

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
                values[change.name] = change.val
        cache.indexes[kind.type].put(kind.read(self._session.vcenter.name, moref, values))
