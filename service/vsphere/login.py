"""Signs in to one vCenter for every part of the service; a refused password is remembered, so that no account locks."""

from __future__ import annotations

import contextlib
import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeAlias

from pyVmomi import vim
from pyVmomi.SoapAdapter import SoapStubAdapter

from service.api.vcenter import VCenter
from service.vsphere.api_version import OLDEST, listed_version, version_of
from service.vsphere.faults import translate
from service.vsphere.soap_reading import read_quickly

Instance: TypeAlias = Any
"""A `ServiceInstance`, signed in; pyVmomi makes its classes at run time, so they have no useful types."""
log = logging.getLogger(__name__)

REFUSED_SECONDS = 300.0
"""How long a refused password is not tried again: vCenter locks an account after five wrong attempts in three minutes.

A restart of the service, which a changed setting needs, and `vmkops doctor` try at once.
"""
LOGOUT_SECONDS = 5
CONNECTIONS = 32
"""How many idle connections a login keeps."""
MOST_ABANDONED = 20
"""Logins that could not be ended, and that a later login ends; older ones end by themselves after half an hour."""


class ServiceInstance:
    """`vim.ServiceInstance`, whose `content` is read once: it does not change, and pyVmomi would ask for it each time.

    Half of all calls would otherwise ask for it, as each use of a property collector begins with it.
    """

    def __init__(self, stub: SoapStubAdapter) -> None:
        self._stub = stub
        self._instance: Any = vim.ServiceInstance("ServiceInstance", stub)

    @cached_property
    def content(self) -> Any:
        """The managers of the vCenter."""
        return self._instance.content

    def __getattr__(self, name: str) -> Any:
        """Everything else, such as `CurrentTime`."""
        return getattr(self._instance, name)


class Login:
    """Makes logins at one vCenter; all parts of the service share the memory of a refusal."""

    def __init__(self, vcenter: VCenter, *, clock: Callable[[], float] = time.monotonic) -> None:
        read_quickly()
        self.vcenter = vcenter
        self._clock = clock
        self._lock = threading.Lock()
        self._refused_at: float | None = None
        self._abandoned: deque[tuple[str, str]] = deque(maxlen=MOST_ABANDONED)
        self._own: set[tuple[str, str]] = set()

    def sign_in(self, seconds: float) -> Instance:
        """Sign in, with a limit of `seconds` for each request; blocks, and raises pyVmomi's own faults.

        While the last password was refused less than five minutes ago, InvalidLogin is raised without asking vCenter.
        """
        tls = self.ssl_context()
        version = listed_version(self.vcenter, tls) or version_of(self._api_version(tls, seconds))
        stub = self._stub(version, tls, seconds)
        instance: Instance = ServiceInstance(stub)
        try:
            manager = instance.content.sessionManager
            # One at a time: the parts that begin together would otherwise all send a wrong password.
            with self._lock:
                self._log_in(manager)
        except BaseException:
            stub.DropConnections()
            raise
        if self._abandoned:
            # In a thread of its own: whoever signs in holds a lock, and vCenter may still be slow.
            threading.Thread(target=self._end_abandoned, name="vsphere-logout", daemon=True).start()
        return instance

    def check_refused(self) -> None:
        """Raise CredentialsRefused while the last password was refused less than five minutes ago; asks nothing."""
        if self._refused_at is not None and self._clock() - self._refused_at < REFUSED_SECONDS:
            raise translate(vim.fault.InvalidLogin(msg="The password was refused a moment ago."), self.vcenter)

    def _log_in(self, manager: Any) -> None:
        if self._refused_at is not None and self._clock() - self._refused_at < REFUSED_SECONDS:
            raise vim.fault.InvalidLogin(msg="The password was refused a moment ago.")
        try:
            manager.Login(self.vcenter.user, self.vcenter.password.get_secret_value(), None)
        except vim.fault.InvalidLogin:
            self._refused_at = self._clock()
            raise
        self._refused_at = None

    @contextlib.contextmanager
    def of_its_own(self, seconds: float) -> Iterator[Instance]:
        """A login for the block alone, which is ended with it, and with it what it made in vCenter, such as views."""
        instance = self.sign_in(seconds)
        key = (instance._stub.version, instance._stub.cookie)
        self._own.add(key)
        try:
            yield instance
        finally:
            instance._stub.DropConnections()
            self._own.discard(key)
            self._sign_out(*key)

    def end_all(self) -> None:
        """End the logins of all blocks that still run, in which vCenter then answers NotAuthenticated; never raises."""
        for key in tuple(self._own):
            self._sign_out(*key)

    @contextlib.contextmanager
    def beside(self, instance: Instance, seconds: float) -> Iterator[Instance]:
        """The same login over connections of its own, where one request may take `seconds`."""
        with self._resumed(instance._stub.version, instance._stub.cookie, seconds) as other:
            yield other

    def ssl_context(self) -> ssl.SSLContext:
        """How the certificate of this vCenter is checked."""
        if self.vcenter.insecure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        return ssl.create_default_context(cafile=str(self.vcenter.ca_file) if self.vcenter.ca_file else None)

    def _sign_out(self, version: str, cookie: str) -> None:
        try:
            with self._resumed(version, cookie, LOGOUT_SECONDS) as instance:
                instance.content.sessionManager.Logout()
        except vim.fault.NotAuthenticated:
            pass  # it has ended already
        except Exception as error:
            log.info("signing out of vCenter failed: %s", error, extra={"vcenter": self.vcenter.name})
            self._abandoned.append((version, cookie))

    def _end_abandoned(self) -> None:
        """End the logins that could not be ended while vCenter did not answer."""
        for _ in range(len(self._abandoned)):
            with contextlib.suppress(IndexError):  # another thread ends it
                self._sign_out(*self._abandoned.popleft())

    @contextlib.contextmanager
    def _resumed(self, version: str, cookie: str, seconds: float) -> Iterator[Instance]:
        stub = self._stub(version, self.ssl_context(), seconds)
        stub.cookie = cookie
        try:
            yield ServiceInstance(stub)
        finally:
            stub.DropConnections()

    def _api_version(self, tls: ssl.SSLContext, seconds: float) -> str:
        """What vCenter says of itself without a login, such as `8.0.2.0`."""
        stub = self._stub(OLDEST, tls, seconds)
        try:
            return str(vim.ServiceInstance("ServiceInstance", stub).content.about.apiVersion)
        finally:
            stub.DropConnections()

    def _stub(self, version: str, tls: ssl.SSLContext, seconds: float) -> SoapStubAdapter:
        return SoapStubAdapter(
            host=self.vcenter.host,
            port=self.vcenter.port,
            path="/sdk",
            version=version,
            sslContext=tls,
            httpConnectionTimeout=seconds,
            poolSize=CONNECTIONS,
        )
