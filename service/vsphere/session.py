"""One session with a vCenter. SOAP calls run in threads of its own, so that nothing else waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from pyVmomi import vim, vmodl

from service.api.vcenter import VCenter
from service.vsphere.faults import missing_privileges, translate
from service.vsphere.host_tls import HostTls, Pin
from service.vsphere.login import LOGOUT_SECONDS, Login
from service.vsphere.login import Instance as Instance
from service.vsphere.names import unescaped
from service.vsphere.tags import Tagging

T = TypeVar("T")
log = logging.getLogger(__name__)

USUAL = -1.0
"""Means the limit in the settings."""
THREADS = 32
"""The most calls at a time."""
WAITING_THREADS = 64
"""The most calls without a limit at a time: those that wait for a task, which may take hours."""
URGENT_THREADS = 8
"""The most urgent calls at a time."""


class Session:
    """Signs in on first use, and once more for each call that finds the login expired."""

    def __init__(self, vcenter: VCenter) -> None:
        self.vcenter = vcenter
        self.login = Login(vcenter)
        self.tagging = Tagging(self.login, self.is_host)
        self._is_host: bool | None = None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="vsphere")
        self._waiting = ThreadPoolExecutor(WAITING_THREADS, thread_name_prefix="vsphere-wait")
        self._urgent = ThreadPoolExecutor(URGENT_THREADS, thread_name_prefix="vsphere-urgent")
        self._lock = threading.Lock()
        self._instance: Instance | None = None
        self._closed = False

    async def call(self, ask: Callable[[Instance], T], *, limit: float | None = USUAL, urgent: bool = False) -> T:
        """Run `ask(service_instance)` in a thread and return its result.

        `limit` is in seconds, or None for no limit; after it VSphereUnavailable is raised, and the thread ends later,
        with its socket. One request to vCenter may take as long as the settings allow, or `limit` if that is longer.
        An `urgent` call, such as the renewal of a lease, does not wait for threads that other calls have.
        Whatever pyVmomi raises is raised as an error of `service.errors`.
        """
        loop = asyncio.get_running_loop()
        usual = float(self.vcenter.seconds)
        limit = usual if limit == USUAL else limit
        threads = self._urgent if urgent else self._waiting if limit is None else self._threads

        def slow(instance: Instance) -> T:
            with self.login.beside(instance, limit or 0) as other:
                return ask(other)

        begin = slow if limit is not None and limit > usual else ask

        def named(instance: Instance) -> T:
            try:
                return begin(instance)
            except vim.fault.NotAuthenticated:
                raise
            except vim.fault.NoPermission as fault:
                raise translate(fault, self.vcenter, _names(instance, fault)) from fault

        try:
            async with asyncio.timeout(limit):
                return await loop.run_in_executor(threads, copy_context().run, self.run, named)
        except Exception as error:
            raise translate(error, self.vcenter) from error

    def run(self, ask: Callable[[Instance], T]) -> T:
        """Run `ask(service_instance)` in this thread; raises pyVmomi's own faults."""
        instance = self._signed_in()
        try:
            return ask(instance)
        except vim.fault.NotAuthenticated:
            if self._closed:
                raise
            log.info("vSphere session expired, signing in again", extra={"vcenter": self.vcenter.host})
            return ask(self._signed_in(expired=instance))

    async def is_host(self) -> bool:
        """Whether this is a stand-alone ESXi host and no vCenter."""
        if self._is_host is None:
            self._is_host = await self.call(lambda instance: bool(instance.content.about.apiType == "HostAgent"))
        return bool(self._is_host)

    def ssl_context(self) -> ssl.SSLContext:
        """How the certificate of this vCenter is checked."""
        return self.login.ssl_context()

    def host_tls(self, pin: Pin) -> HostTls:
        """How the certificate of a host is checked that sends or receives disk bytes."""
        return HostTls(context=self.ssl_context(), pin=pin, ca_setting=self.vcenter.setting("ca_file"))

    async def close(self) -> None:
        """Sign out and release the threads; never raises."""
        self._closed = True
        instance, self._instance = self._instance, None

        def sign_out() -> None:
            self.login.end_all()
            if instance is not None:
                instance.content.sessionManager.Logout()

        try:
            ending = asyncio.get_running_loop().run_in_executor(self._urgent, sign_out)
            async with asyncio.timeout(LOGOUT_SECONDS):
                await ending
        except Exception as error:
            log.info("signing out of vCenter failed: %s", error)
        if instance is not None:
            instance._stub.DropConnections()
        for pool in (self._threads, self._waiting, self._urgent):
            pool.shutdown(wait=False, cancel_futures=True)

    def _signed_in(self, expired: Instance | None = None) -> Instance:
        with self._lock:
            if self._instance is None or self._instance is expired:
                self._instance = self.login.sign_in(self.vcenter.seconds)
                if expired is not None:
                    expired._stub.DropConnections()  # the idle ones; other threads may still use the rest
            return self._instance


async def signed_in_user(session: Session) -> str:
    """Whose login the session is, as vCenter says: `VSPHERE.LOCAL\\vmkops`."""
    return await session.call(lambda instance: str(instance.content.sessionManager.currentSession.userName))


def vm_of(instance: Instance, moref: str) -> Any:
    """The VM with this moref, as a pyVmomi object; reads nothing."""
    return vim.VirtualMachine(moref, instance._stub)


def read_properties(
    instance: Instance, objects: list[Any], kind: type, names: list[str]
) -> list[tuple[Any, dict[str, Any]]]:
    """Read properties of many objects at once through the PropertyCollector; an unset property is absent.

    An object that is gone raises ManagedObjectNotFound.
    """
    specs = vmodl.query.PropertyCollector
    wanted = specs.FilterSpec(
        objectSet=[specs.ObjectSpec(obj=item, skip=False) for item in objects],
        propSet=[specs.PropertySpec(type=kind, pathSet=names, all=False)],
    )
    return _retrieve(instance, wanted)


def read_related(
    instance: Instance, managed: Any, names: list[str], related: Mapping[str, tuple[type, list[str]]]
) -> tuple[dict[str, Any], dict[str, list[tuple[Any, dict[str, Any]]]]]:
    """Read properties of one object and of those that it refers to, in one call; an unset property is absent.

    `related` has, by the property with the references, the kind of the objects there and which of their properties to
    read; the kinds differ. Returns the properties of the object, and the related objects by the same keys. An object
    that is gone raises ManagedObjectNotFound; a related one does so too, or is left out.
    """
    specs = vmodl.query.PropertyCollector
    kind = type(managed)
    walks = [specs.TraversalSpec(name=path, path=path, skip=False, type=kind) for path in related]
    wanted = specs.FilterSpec(
        objectSet=[specs.ObjectSpec(obj=managed, skip=False, selectSet=walks)],
        propSet=[
            specs.PropertySpec(type=each, pathSet=properties, all=False)
            for each, properties in [(kind, names), *related.values()]
        ],
    )
    found = _retrieve(instance, wanted)
    beside = {path: [pair for pair in found if isinstance(pair[0], each)] for path, (each, _) in related.items()}
    return next(values for item, values in found if isinstance(item, kind)), beside


def read_present(
    instance: Instance, objects: list[Any], kind: type, names: list[str]
) -> list[tuple[Any, dict[str, Any]]]:
    """The same for those of the objects that still exist: another reading has listed them a moment ago."""
    left = list(objects)
    while left:
        try:
            return read_properties(instance, left, kind, names)
        except vmodl.fault.ManagedObjectNotFound as fault:
            fewer = [each for each in left if each._moId != getattr(fault.obj, "_moId", "")]
            if len(fewer) == len(left):
                raise
            left = fewer
    return []


def read_all(instance: Instance, kind: type, names: list[str]) -> list[tuple[Any, dict[str, Any]]]:
    """Read properties of every object of a kind that the vCenter has; an unset property is absent."""
    specs = vmodl.query.PropertyCollector
    content = instance.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    try:
        walk = specs.TraversalSpec(name="view", path="view", skip=False, type=vim.view.ContainerView)
        wanted = specs.FilterSpec(
            objectSet=[specs.ObjectSpec(obj=view, skip=True, selectSet=[walk])],
            propSet=[specs.PropertySpec(type=kind, pathSet=names, all=False)],
        )
        return _retrieve(instance, wanted)
    finally:
        view.DestroyView()


def _names(instance: Instance, fault: vim.fault.NoPermission) -> dict[str, str]:
    """The names, by moref, of the objects of a fault, as far as the account may read them."""
    names = {}
    for entity, _ in missing_privileges(fault):
        if isinstance(entity, vim.ManagedEntity):
            with contextlib.suppress(Exception):
                names[entity._moId] = str(read_properties(instance, [entity], type(entity), ["name"])[0][1]["name"])
    return names


def _retrieve(instance: Instance, wanted: Any) -> list[tuple[Any, dict[str, Any]]]:
    collector = instance.content.propertyCollector
    page = collector.RetrievePropertiesEx([wanted], vmodl.query.PropertyCollector.RetrieveOptions(maxObjects=500))
    found = []
    while page:
        for item in page.objects:
            found.append((item.obj, {each.name: unescaped(each.name, each.val) for each in item.propSet}))
        page = collector.ContinueRetrievePropertiesEx(page.token) if page.token else None
    return found
