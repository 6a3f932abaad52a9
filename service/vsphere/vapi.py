"""The REST API of a vCenter, in which it keeps its tags: a session for one block, and its errors in our words."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from service.api.vcenter import VCenter
from service.errors import CredentialsRefused, NotFound, VmkopsError, VSphereRefused, VSphereUnavailable
from service.vsphere.faults import translate
from service.vsphere.login import LOGOUT_SECONDS, REFUSED_SECONDS, Login

log = logging.getLogger(__name__)

REST = "/rest/com/vmware/cis"
"""Where the calls are since 6.5. Their answers are objects with the key `value`."""
API = "/api/cis"
"""Where they are since 7.0 U2, and which remains when a release drops the older place."""
SESSION = {REST: "/rest/com/vmware/cis/session", API: "/api/session"}


class NotPermitted(VSphereRefused):
    """The user lacks a privilege; the REST API does not say which."""


class Vapi:
    """One session with the REST API of a vCenter."""

    def __init__(self, vcenter: VCenter, http: aiohttp.ClientSession, base: str) -> None:
        self._vcenter = vcenter
        self._http = http
        self._base = base
        self._headers: dict[str, str] = {}

    async def ask(self, method: str, service: str, key: str = "", action: str = "", body: Any = None) -> Any:
        """Make a call of a service, such as `tagging/tag`, for the object `key`; returns what the answer has.

        Raises NotFound, NotPermitted, VSphereRefused with vCenter's own words, and VSphereUnavailable.
        """
        rest = self._base == REST
        one = f"/{'id:' if rest else ''}{quote(key, safe=':')}" if key else ""
        query = f"?{'~' if rest else ''}action={action}" if action else ""
        return await self._send(method, f"{self._base}/{service}{one}{query}", body, self._headers)

    async def sign_in(self) -> None:
        """Begin the session; raises CredentialsRefused, and NotFound when the API is not in this place."""
        secret = self._vcenter.password.get_secret_value()
        basic = base64.b64encode(f"{self._vcenter.user}:{secret}".encode()).decode()
        key = await self._send("POST", SESSION[self._base], None, {"Authorization": f"Basic {basic}"})
        self._headers = {"vmware-api-session-id": str(key)}

    async def sign_out(self) -> None:
        """End the session; never raises."""
        try:
            async with asyncio.timeout(LOGOUT_SECONDS):
                await self._send("DELETE", SESSION[self._base], None, self._headers)
        except (VmkopsError, TimeoutError) as error:
            log.info("signing out of the REST API failed: %s", error, extra={"vcenter": self._vcenter.name})

    async def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        host = f"[{self._vcenter.host}]" if ":" in self._vcenter.host else self._vcenter.host
        url = URL(f"https://{host}:{self._vcenter.port}{path}", encoded=True)
        try:
            async with self._http.request(method, url, json=body, headers=headers, allow_redirects=False) as response:
                content, status = await response.read(), response.status
        except aiohttp.ClientConnectorCertificateError as error:
            raise translate(error.certificate_error, self._vcenter) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise translate(TimeoutError(str(error) or type(error).__name__), self._vcenter) from error
        if status >= 300:
            raise self._error(status, _words(content))
        try:
            found = json.loads(content) if content else None
        except ValueError as error:
            raise VSphereRefused("The REST API of vCenter gave an answer that is no JSON.") from error
        return found.get("value") if self._base == REST and isinstance(found, dict) else found

    def _error(self, status: int, words: str) -> VmkopsError:
        host, said = self._vcenter.host, f" ({words})" if words else ""
        if status == 401:
            user, password = self._vcenter.setting("user"), self._vcenter.setting("password")
            return CredentialsRefused(
                f"The REST API of {host} does not accept the user name or password{said}. Check {user} and {password}."
            )
        if status == 404:
            return NotFound(f"The REST API of {host} does not have that{said}.")
        if status == 403:
            return NotPermitted(f"The REST API of {host} refuses this to the user{said}.")
        if status >= 500:
            return VSphereUnavailable(f"The REST API of {host} does not work now: it answers {status}{said}.")
        return VSphereRefused(f"The REST API of {host} answers {status}{said}.")


class VapiLogin:
    """Begins sessions with the REST API of one vCenter; a refused password is not tried again for five minutes."""

    def __init__(self, login: Login, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._login = login
        self._clock = clock
        self._lock = asyncio.Lock()
        self._refused: tuple[float, CredentialsRefused] | None = None
        self._base = REST

    @contextlib.asynccontextmanager
    async def session(self, seconds: float) -> AsyncIterator[Vapi]:
        """A session for the block, in which one call may take `seconds`; it is ended with the block.

        Raises NotFound when this vCenter has no REST API, and what `Vapi.sign_in` raises.
        """
        vcenter = self._login.vcenter
        connector = aiohttp.TCPConnector(ssl=await asyncio.to_thread(self._tls), limit=8)
        timeout = aiohttp.ClientTimeout(total=min(seconds, vcenter.seconds))
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            vapi = await self._signed_in(vcenter, http)
            try:
                yield vapi
            finally:
                await asyncio.shield(vapi.sign_out())

    async def _signed_in(self, vcenter: VCenter, http: aiohttp.ClientSession) -> Vapi:
        # One at a time, so that a wrong password is sent once.
        async with self._lock:
            if self._refused is not None and self._clock() - self._refused[0] < REFUSED_SECONDS:
                raise CredentialsRefused(str(self._refused[1]))
            self._login.check_refused()
            for base in (self._base, API if self._base == REST else REST):
                vapi = Vapi(vcenter, http, base)
                try:
                    await vapi.sign_in()
                except CredentialsRefused as error:
                    self._refused = self._clock(), error
                    raise
                except NotFound:
                    continue
                self._base, self._refused = base, None
                return vapi
        raise NotFound(f"{vcenter.host} has no REST API.")

    def _tls(self) -> ssl.SSLContext:
        return self._login.ssl_context()


def _words(content: bytes) -> str:
    """What an error of the REST API says; its shape differs between the two places."""
    try:
        found = json.loads(content)
        found = found.get("value", found)
        messages = [str(each["default_message"]) for each in found.get("messages") or []]
    except (ValueError, AttributeError, KeyError, TypeError):
        return ""
    return " ".join(messages)[:500]
