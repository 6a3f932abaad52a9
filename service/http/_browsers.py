"""What keeps other web pages from using the service through somebody's browser: hosts, origins and headers."""

from __future__ import annotations

import ipaddress
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


class Browsers:
    """Checks the Host and the Origin of each request; `headers` go with each answer."""

    def __init__(self, settings: Settings) -> None:
        own = urlsplit(settings.public_url or "")
        names = {*settings.allowed_hosts, *filter(None, [own.hostname])}
        self.only_known_hosts = bool(names)
        """Whether a caller without a token must name the service by an address or a known name."""
        self._names = names | {"localhost", socket.gethostname().lower(), socket.getfqdn().lower()}
        self._origin = f"{own.scheme}://{own.netloc}".lower() if settings.public_url else ""
        self._known: set[str] = set()
        https = settings.tls_cert is not None or own.scheme == "https"
        self.headers = HEADERS | (OVER_TLS if https else {})

    def check(self, request: web.BaseRequest) -> None:
        """Raises UnknownHost or ForeignOrigin when the request can come from another site's page in a browser."""
        if request.method not in SAFE:
            self._check_origin(request.headers)
        if self.only_known_hosts and hdrs.AUTHORIZATION not in request.headers:
            self._check_host(request.headers.get(hdrs.HOST, ""))

    def _check_host(self, host: str) -> None:
        """A page can give its own name the address of the service, and then read the answers: DNS rebinding."""
        if host in self._known:
            return
        name = (urlsplit(f"//{host}").hostname or "") if _is_sound(host) else ""
        if name.rstrip(".") not in self._names and not _is_address(name):
            raise UnknownHost(
                f"This service does not answer under the name {name[:100] or 'in the Host header'!r}. "
                "The administrator of vmkops can add it to VMKOPS_ALLOWED_HOSTS."
            )
        if len(self._known) < MOST_HOSTS:
            self._known.add(host)

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        origin = headers.get(hdrs.ORIGIN)
        if origin is None:
            if headers.get("Sec-Fetch-Site", "none") in {"cross-site", "same-site"}:
                raise ForeignOrigin
            return
        parts = urlsplit(origin.lower()) if _is_sound(origin) else None
        own = {headers.get(hdrs.HOST, "").lower(), self._origin.partition("://")[2]} - {""}
        if parts is None or parts.scheme not in {"http", "https"} or parts.netloc not in own:
            raise ForeignOrigin


BROWSERS: web.AppKey[Browsers] = web.AppKey("browsers", Browsers)


def _is_sound(text: str) -> bool:
    try:
        urlsplit(text if "//" in text else f"//{text}").port  # noqa: B018 - the property parses
    except ValueError:
        return False
    return True


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
