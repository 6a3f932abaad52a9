"""Which URLs and which addresses an import may fetch from, so that it cannot be used to reach internal hosts; pure."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from yarl import URL

from service.errors import InvalidParams

Address = IPv4Address | IPv6Address

LONGEST_URL = 2000
NAT64 = IPv6Network("64:ff9b::/96")
COMPATIBLE = IPv6Network("::/96")


def check_url(text: str) -> URL:
    """The URL `text`, if fetching from it is allowed at all; raises InvalidParams with the reason otherwise."""
    try:
        url = URL(text.strip())
        host, port = url.raw_host, url.port
    except ValueError as error:
        raise InvalidParams(f"{text[:80]!r} is not a URL: {error}.") from error
    if len(text) > LONGEST_URL or not text.strip().isprintable():
        raise InvalidParams(f"A URL has at most {LONGEST_URL} characters, and all of them must be printable.")
    if url.scheme == "http":
        raise InvalidParams(
            "http is refused: anybody on the network path could replace the disk. Use https, or copy the package into "
            "the import folder."
        )
    if url.scheme != "https" or not host or not port:
        raise InvalidParams(f"{text[:80]!r} cannot be fetched: use an https URL with a host.")
    if url.user is not None or url.password is not None:
        raise InvalidParams("A user name or password in a URL is refused: it would stay in the job's record.")
    numeric = ":" in host or host.replace(".", "").isdigit()
    if numeric and literal_address(host) is None:
        raise InvalidParams(f"{host!r} is a number, but not an IP address in its usual form. Use the host's name.")
    return url


def literal_address(host: str) -> Address | None:
    """The IP address that the host of a URL is, or None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def why_refused(host: str, addresses: Collection[Address], allowed: Collection[str]) -> str:
    """Why fetching from this host at these addresses is refused; empty when it is allowed.

    Hosts in `allowed` may have private addresses. Link-local (where clouds keep their credentials), multicast and
    unspecified addresses are refused for every host. One refused address is enough.
    """
    if not addresses:
        return f"{host} has no address."
    is_allowed = host.lower().rstrip(".") in allowed
    for address in addresses:
        kind, always = _why_restricted(address)
        if kind and (always or not is_allowed):
            reason = f"{host} has the address {address}, which is {kind}; a URL must not lead to internal hosts."
            hint = " To allow a web server of your own, add its name to VMKOPS_IMPORT_HOSTS."
            return reason if always else reason + hint
    return ""


def _why_restricted(address: Address) -> tuple[str, bool]:
    """The kind of a restricted address, or an empty text, and whether the restriction holds for every host."""
    if isinstance(address, IPv6Address) and (inner := _embedded(address)) is not None:
        return _why_restricted(inner)
    if address.is_unspecified:
        return "unspecified", True
    if address.is_link_local:
        return "link-local", True
    if address.is_multicast:
        return "multicast", True
    if address.is_loopback:
        return "loopback", False
    if isinstance(address, IPv4Address) and address.is_reserved:
        return "reserved", True
    if not address.is_global or (isinstance(address, IPv6Address) and address.is_site_local):
        return "private", False
    return "", False


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address contains: mapped, compatible, 6to4 or NAT64."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in NAT64 or (address in COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
