"""Parses an iSCSI address: ``host[:port],name``, a portal alone, or a line of a SendTargets listing."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Literal

from knowledge.iscsi.domain import domain_faults
from knowledge.iscsi.names import check_against_rfcs
from knowledge.iscsi.pasted import pasted_problems, recognize
from knowledge.iscsi.values import Address, Problem, any_error

DEFAULT_PORT = 3260
"""The port that IANA assigned to iSCSI, used when an address has none."""

_LONGEST_ADDRESS = 2048
_LABEL_CHARACTERS = re.compile(r"[A-Za-z0-9-]+")
_IPV6_CHARACTERS = re.compile(r"[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]{1,20})?")
_GROUP_AND_NAME = re.compile(r"([0-9]+)(?:\s+(\S+))?")
_SOURCE = "RFC 3721 section 1.1, RFC 7143 section 13.8"

HostKind = Literal["name", "ipv4", "ipv6"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Portal:
    """The part before the comma."""

    host: str | None
    kind: HostKind | None
    port: int | None
    assumed: bool
    problems: tuple[Problem, ...]


def parse_address(address: str) -> Address:
    """Parse ``192.0.2.1:3260,iqn...``, ``[2001:db8::1],iqn...``, ``host``, or ``192.0.2.1:3260,1 iqn...``.

    Spaces at the ends are ignored. Without a port, the result has port 3260 and ``port_assumed``. An address that is
    not valid has ``problems`` with severity ``error``; nothing is raised. Other output of a tool is not valid; its
    problems are those of the addresses in it, and the valid ones are in ``suggestions``.
    """
    verdict = _parse(address)
    pasted = [] if verdict.valid else recognize(address)
    if not pasted:
        return verdict
    found = {line.address: _parse(line.address) for line in pasted if line.address}
    return replace(
        _invalid(address, ""),
        problems=pasted_problems(pasted, {text: each.problems for text, each in found.items()}, "address"),
        suggestions=tuple(text for text, each in found.items() if each.valid),
    )


def _parse(address: str) -> Address:
    text = address.strip()
    if len(text) > _LONGEST_ADDRESS:
        return _invalid(address, f"An address can have at most {_LONGEST_ADDRESS} characters.")
    if check_against_rfcs(text).valid:
        return _invalid(address, "This is a name without a host. Write host[:port],name, as in 192.0.2.10:3260,iqn...")
    before, comma, after = text.partition(",")
    portal = _parse_portal(before.strip())
    group, name = _split_group(after.strip())
    problems = [*portal.problems]
    if comma and group is None and not name:
        problems.append(_error("address-name", "Nothing follows the comma; put an iSCSI name there."))
    if group is not None and group > 65535:
        problems.append(_error("address-portal-group", f"Portal group {group} is above 65535."))
    normalized = None
    if name:
        verdict = check_against_rfcs(name)
        normalized = verdict.normalized
        problems.extend(verdict.problems)
    return Address(
        address=address,
        valid=not any_error(tuple(problems)),
        host=portal.host,
        host_kind=portal.kind,
        port=portal.port,
        port_assumed=portal.assumed,
        portal_group=group,
        name=normalized,
        problems=tuple(problems),
    )


def _split_group(after: str) -> tuple[int | None, str]:
    """Split ``1 iqn...`` or ``1``, as in a SendTargets listing, into the portal group tag and the name."""
    found = _GROUP_AND_NAME.fullmatch(after)
    if not found or len(found[1]) > 9:
        return None, after
    return int(found[1]), found[2] or ""


def _parse_portal(text: str) -> _Portal:
    if text.startswith("["):
        return _parse_bracketed(text)
    if text.count(":") > 1:
        return _parse_bare_ipv6(text)
    host, colon, port = text.partition(":")
    problems = _port_problems(port) if colon else ()
    name, kind, host_problems = _parse_host(host)
    return _portal(name, kind, port if colon else None, (*host_problems, *problems))


def _parse_bracketed(text: str) -> _Portal:
    content, bracket, rest = text[1:].partition("]")
    if not bracket:
        return _portal(None, None, None, (_error("address-host", "The closing bracket ] is missing."),))
    host = _ipv6(content)
    problems: list[Problem] = []
    if host is None:
        problems.append(_error("address-host", f"{content!r} in brackets is not an IPv6 address."))
    if rest and not rest.startswith(":"):
        problems.append(_error("address-port", f"{rest!r} follows the ]; only a colon and a port can."))
        rest = ""
    if rest:
        problems.extend(_port_problems(rest[1:]))
    return _portal(host, "ipv6" if host else None, rest[1:] if rest else None, tuple(problems))


def _parse_bare_ipv6(text: str) -> _Portal:
    host = _ipv6(text)
    if host is None:
        message = f"{text!r} has more than one colon and is not an IPv6 address. Write host:port or [IPv6]:port."
        return _portal(None, None, None, (_error("address-host", message),))
    message = f"Put an IPv6 address in brackets, [{host}], so that it is not confused with a port."
    warning = Problem(rule="address-brackets", severity="warning", message=message, source=_SOURCE)
    return _portal(host, "ipv6", None, (warning,))


def _parse_host(host: str) -> tuple[str | None, HostKind | None, tuple[Problem, ...]]:
    if not host:
        return None, None, (_error("address-host", "The host is missing; begin with a name or an IP address."),)
    if re.fullmatch(r"[0-9.]+", host):
        try:
            return str(ipaddress.IPv4Address(host)), "ipv4", ()
        except ValueError:
            return None, None, (_error("address-host", f"{host!r} is not an IPv4 address."),)
    labels = host.removesuffix(".").split(".")
    faults = domain_faults(labels)
    if not all(_LABEL_CHARACTERS.fullmatch(label) for label in labels if label):
        faults.append("it can contain only letters, digits, dashes and dots")
    if faults:
        return None, None, (_error("address-host", f"{host[:60]!r} is not a host name: {'; '.join(faults)}."),)
    return host.removesuffix(".").lower(), "name", ()


def _ipv6(text: str) -> str | None:
    if not _IPV6_CHARACTERS.fullmatch(text):
        return None
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return None


def _port_problems(port: str) -> tuple[Problem, ...]:
    if re.fullmatch(r"[0-9]{1,5}", port) and 1 <= int(port) <= 65535:
        return ()
    return (_error("address-port", f"{port[:20]!r} is not a TCP port; a port is a number from 1 to 65535."),)


def _portal(host: str | None, kind: HostKind | None, port: str | None, problems: tuple[Problem, ...]) -> _Portal:
    wrong_port = any(problem.rule == "address-port" for problem in problems)
    number = None if wrong_port else int(port) if port else DEFAULT_PORT
    return _Portal(host=host, kind=kind, port=number, assumed=port is None and not wrong_port, problems=problems)


def _invalid(address: str, message: str) -> Address:
    return Address(
        address=address,
        valid=False,
        host=None,
        host_kind=None,
        port=None,
        port_assumed=False,
        portal_group=None,
        name=None,
        problems=(_error("address-host", message),),
    )


def _error(rule: str, message: str) -> Problem:
    return Problem(rule=rule, severity="error", message=message, source=_SOURCE)
