"""What keeps other web pages from using the service through somebody's browser: hosts, origins and headers."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from service.api.settings import Settings
from service.errors import ForeignOrigin, UnknownHost

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "vmkops",
}
"""Sent with every answer. The default of `Server` would name the releases of Python and aiohttp."""
OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}
SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
MOST_HOSTS = 1000
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?", re.IGNORECASE | re.ASCII)
_ORIGIN = re.compile(r"https?://((?:\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?)", re.ASCII)


class Browsers:
    """Checks the Host and the Origin of each request; `headers` go with each answer."""

    def __init__(self, settings: Settings) -> None:
        own = urlsplit(settings.public_url or "")
        names = {*settings.allowed_hosts, *filter(None, [own.hostname])}
        self.only_known_hosts = bool(names)
        """Whether a caller without a token must name the service by an address or a known name."""
        # The full name of the machine is not asked for: where DNS is down, that would hold up the start.
        self._names = names | {"localhost", socket.gethostname().lower()}
        self._origin = f"{own.scheme}://{own.netloc}".lower() if settings.public_url else ""
        self._known: set[str] = set()
        https = settings.tls_cert is not None or own.scheme == "https"
        self.headers = HEADERS | (OVER_TLS if https else {})

    def check(self, request: web.BaseRequest) -> None:
        """Raises UnknownHost or ForeignOrigin when the request can come from another site's page in a browser."""
        if request.method not in SAFE:
            self._check_origin(request.headers)
        if self.needs_token(request) and not request.headers.get(hdrs.AUTHORIZATION, "").strip():
            raise UnknownHost

    def needs_token(self, request: web.BaseRequest) -> bool:
        """Whether the request names the service by an unknown name, so that only a good token opens it."""
        return self.only_known_hosts and not self._is_known(request.headers.get(hdrs.HOST, ""))

    def _is_known(self, host: str) -> bool:
        """A page can give its own name the address of the service, and then read the answers: DNS rebinding."""
        if host in self._known:
            return True
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].lower().removesuffix(".")
        if name not in self._names and not _is_address(name.strip("[]")):
            return False
        if len(self._known) < MOST_HOSTS:
            self._known.add(host)
        return True

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        origin = headers.get(hdrs.ORIGIN)
        if origin is None:
            if headers.get("Sec-Fetch-Site", "none").lower() in {"cross-site", "same-site"}:
                raise ForeignOrigin
            return
        own = {headers.get(hdrs.HOST, "").lower(), self._origin.partition("://")[2]} - {""}
        found = _ORIGIN.fullmatch(origin.lower())
        if found is None or found[1] not in own:
            raise ForeignOrigin


BROWSERS: web.AppKey[Browsers] = web.AppKey("browsers", Browsers)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
