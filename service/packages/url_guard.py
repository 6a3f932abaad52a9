"""Which URLs and which addresses an import may fetch from, so that it cannot be used to reach internal hosts; pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address

from yarl import URL

from knowledge.restricted_networks import Address, restriction
from service.api.redaction import without_secrets
from service.api.settings import Settings
from service.errors import InvalidParams, NotAllowed

LONGEST_URL = 2000
UNQUOTED = re.compile(r"[\s\"<>\\^`{|}]")
"""Characters that a URL contains only percent-encoded (RFC 3986)."""


def check_url(text: str, settings: Settings) -> URL:
    """The URL `text`, if its form, its host and its port allow to fetch from it; nothing is resolved or asked here.

    Raises InvalidParams for what is not an https URL, NotAllowed for a host or port that the settings exclude. No
    message repeats a user name, a password or the query.
    """
    text = text.strip()
    shown = repr(without_secrets(text)[:80])
    try:
        url = URL(text)
        host, port = url.raw_host, url.port
    except ValueError as error:
        raise InvalidParams(f"{shown} is not a URL. Write it as https://HOST/PATH.") from error
    if len(text) > LONGEST_URL or not text.isprintable() or UNQUOTED.search(text):
        raise InvalidParams(
            f"A URL has at most {LONGEST_URL} characters, all of them printable; white space and quotes are "
            "percent-encoded."
        )
    if url.scheme == "http":
        raise InvalidParams(
            "http is refused: anybody on the network path could replace the disk. Use https, or copy the package into "
            "the import folder."
        )
    if url.scheme != "https" or not host or not port:
        raise InvalidParams(f"{shown} cannot be fetched: use an https URL with a host.")
    if url.user is not None or url.password is not None:
        raise InvalidParams("A user name or password in a URL is refused. Use a signed URL in a file (`url_file`).")
    numeric = ":" in host or host.replace(".", "").isdigit()
    if numeric and literal_address(host) is None:
        raise InvalidParams(f"{host!r} is a number, but not an IP address in its usual form. Use the host's name.")
    if settings.import_hosts_only and not is_listed(host, settings.import_hosts):
        raise NotAllowed(
            f"Packages are imported only from the hosts in VMKOPS_IMPORT_HOSTS, and {host} is not one of them."
        )
    if port not in settings.import_ports:
        allowed = ", ".join(map(str, sorted(settings.import_ports)))
        raise NotAllowed(
            f"Port {port} of {host} is refused; packages are fetched from these ports only: {allowed}. To allow "
            "another one, add it to VMKOPS_IMPORT_PORTS."
        )
    return url


def literal_address(host: str) -> Address | None:
    """The IP address that the host of a URL is, or None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_listed(host: str, listed: Collection[str]) -> bool:
    """Whether `listed` has this host, as it is in a URL; names are compared in their encoded form."""
    return _encoded(host) in {_encoded(each) for each in listed}


def why_refused(host: str, addresses: Collection[Address], listed: Collection[str]) -> str:
    """Why fetching from this host at these addresses is refused; empty when it is allowed.

    Hosts in `listed` may have private addresses. Link-local addresses, those of cloud services (which give out
    credentials), multicast and unspecified ones are refused for every host. One refused address is enough.
    """
    if not addresses:
        return f"{host} has no address."
    for address in addresses:
        found = restriction(address)
        if found and (found.always or not is_listed(host, listed)):
            reason = f"{host} has the address {address}, which is {found.what}; a URL must not lead to internal hosts."
            hint = " To allow a web server of your own, add its name to VMKOPS_IMPORT_HOSTS."
            return reason if found.always else reason + hint
    return ""


def _encoded(host: str) -> str:
    """A host name in lower case and in ASCII (IDNA), or an IP address in its shortest form."""
    host = host.rstrip(".").lower()
    if (address := literal_address(host)) is not None:
        return str(address)
    try:
        return (URL.build(scheme="https", host=host).raw_host or host).lower()
    except ValueError:
        return host
