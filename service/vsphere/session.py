"""One session with a vCenter. SOAP calls run in threads of its own, so that nothing else waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeAlias, TypeVar

from pyVmomi import vim, vmodl
from pyVmomi.SoapAdapter import SoapStubAdapter

from service.api.vcenter import VCenter
from service.vsphere.faults import translate

T = TypeVar("T")
Instance: TypeAlias = Any
"""A signed-in `vim.ServiceInstance`; pyVmomi makes its classes at run time, so they have no useful types."""
log = logging.getLogger(__name__)

USUAL = -1.0
"""Means the limit in the settings."""
LOGOUT_SECONDS = 5
THREADS = 32
"""The most calls at a time."""


class Session:
    """Signs in on first use, and once more for each call that finds the login expired."""

    def __init__(self, vcenter: VCenter) -> None:
        self.vcenter = vcenter
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="vsphere")
        self._login = threading.Lock()
        self._instance: Instance | None = None
        self._closed = False

    async def call(self, ask: Callable[[Instance], T], *, limit: float | None = USUAL) -> T:
        """Run `ask(service_instance)` in a thread and return its result.

        `limit` is in seconds, or None for no limit; after it VSphereUnavailable is raised, and the thread ends later,
        with its socket. One request to vCenter may take as long as the settings allow, or `limit` if that is longer.
        Whatever pyVmomi raises is raised as an error of `service.errors`.
        """
        loop = asyncio.get_running_loop()
        usual = float(self.vcenter.seconds)
        limit = usual if limit == USUAL else limit

        def slow(instance: Instance) -> T:
            with self.beside(instance, limit or 0) as other:
                return ask(other)

        begin = slow if limit is not None and limit > usual else ask
        try:
            return await asyncio.wait_for(
                loop.run_in_executor(self._threads, copy_context().run, self.run, begin), limit
            )
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

    @contextlib.contextmanager
    def beside(self, instance: Instance, seconds: float) -> Iterator[Instance]:
        """The same login over connections of its own, where one request may take `seconds`."""
        stub = self._stub(seconds)
        stub.cookie = instance._stub.cookie
        try:
            yield vim.ServiceInstance("ServiceInstance", stub)
        finally:
            stub.DropConnections()

    def ssl_context(self) -> ssl.SSLContext:
        """How certificates are checked, for SOAP and for disk data."""
        if self.vcenter.insecure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        return ssl.create_default_context(cafile=str(self.vcenter.ca_file) if self.vcenter.ca_file else None)

    async def close(self) -> None:
        """Sign out and release the threads; never raises."""
        self._closed = True
        if self._instance is not None:
            instance, self._instance = self._instance, None
            try:
                loop = asyncio.get_running_loop()
                logout = loop.run_in_executor(self._threads, lambda: instance.content.sessionManager.Logout())
                await asyncio.wait_for(logout, LOGOUT_SECONDS)
            except Exception as error:
                log.info("signing out of vCenter failed: %s", error)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _signed_in(self, expired: Instance | None = None) -> Instance:
        with self._login:
            if self._instance is None or self._instance is expired:
                self._instance = self._sign_in()
            return self._instance

    def _sign_in(self) -> Instance:
        stub = self._stub(self.vcenter.seconds)
        instance: Instance = vim.ServiceInstance("ServiceInstance", stub)
        try:
            manager = instance.content.sessionManager
            manager.Login(self.vcenter.user, self.vcenter.password.get_secret_value(), None)
        except BaseException:
            stub.DropConnections()
            raise
        return instance

    def _stub(self, seconds: float) -> SoapStubAdapter:
        return SoapStubAdapter(
            host=self.vcenter.host,
            port=self.vcenter.port,
            path="/sdk",
            version="vim.version.version9",
            sslContext=self.ssl_context(),
            httpConnectionTimeout=seconds,
            poolSize=THREADS,
        )


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


def _retrieve(instance: Instance, wanted: Any) -> list[tuple[Any, dict[str, Any]]]:
    collector = instance.content.propertyCollector
    page = collector.RetrievePropertiesEx([wanted], vmodl.query.PropertyCollector.RetrieveOptions(maxObjects=500))
    found = []
    while page:
        found += [(item.obj, {each.name: each.val for each in item.propSet}) for item in page.objects]
        page = collector.ContinueRetrievePropertiesEx(page.token) if page.token else None
    return found
