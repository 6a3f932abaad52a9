"""iSCSI names, addresses, aliases and discovery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from knowledge import iscsi
from service.api.lookups import (
    FieldVerdict,
    IscsiAddress,
    IscsiAlias,
    IscsiDiscovery,
    IscsiName,
    IscsiProblem,
)
from service.http._route import Call, Query, Route


class NameQuery(Query):
    """A name to judge."""

    name: str = Field(description="The name exactly as it is written, such as iqn.2001-04.com.example:disk1.")


class AddressQuery(Query):
    """An address to read."""

    address: str = Field(description="host[:port],name; an IPv6 address in brackets; or the portal alone.")


class AliasQuery(Query):
    """An alias to judge."""

    alias: str = Field(description="A label for people, 0 to 255 characters.")


class BuildQuery(Query):
    """The parts of a new name: domain, date and string for iqn, hex_digits for eui and naa."""

    type: Literal["iqn", "eui", "naa"] = Field(description="What kind of name to build.")
    domain: str = Field(default="", max_length=255, description="iqn: a domain you own, such as example.com.")
    date: str = Field(default="", max_length=20, description="iqn: a month in which you owned it, such as 2001-04.")
    string: str | None = Field(default=None, max_length=255, description="iqn: what makes it unique among yours.")
    hex_digits: str = Field(default="", max_length=100, description="eui, naa: the hexadecimal digits.")


async def _validate(call: Call[NameQuery, None]) -> IscsiName:
    return iscsi.validate(call.query.name)


async def _address(call: Call[AddressQuery, None]) -> IscsiAddress:
    return iscsi.parse_address(call.query.address)


async def _alias(call: Call[AliasQuery, None]) -> IscsiAlias:
    return iscsi.check_alias(call.query.alias)


async def _build(call: Call[BuildQuery, None]) -> IscsiName:
    asked = call.query
    return iscsi.build(
        asked.type, domain=asked.domain, date=asked.date, string=asked.string, hex_digits=asked.hex_digits
    )


async def _discovery(call: Call[Query, None]) -> IscsiDiscovery:
    return iscsi.discovery()


def _name_text(name: IscsiName) -> str:
    lines = [f"{_verdict(name.valid)}: {name.normalized or name.name}", *name.explanation, *_problems(name.problems)]
    lines += [f"did you mean {suggestion}" for suggestion in name.suggestions]
    lines += _fields("refused by", name.refused_by) + _fields("accepted by", name.accepted_by)
    return "\n".join(lines) + "\n"


def _address_text(address: IscsiAddress) -> str:
    read = f"host {address.host}, port {address.port}, name {address.name}"
    lines = [f"{_verdict(address.valid)}: {read}", *_problems(address.problems)]
    lines += [f"did you mean {suggestion}" for suggestion in address.suggestions]
    return "\n".join(lines) + "\n"


def _alias_text(alias: IscsiAlias) -> str:
    counted = f"{alias.characters} characters, {alias.bytes} bytes of UTF-8"
    return "\n".join([f"{_verdict(alias.valid)}: {counted}", *_problems(alias.problems)]) + "\n"


def _built_text(name: IscsiName) -> str:
    return f"{name.normalized}\n"


def _discovery_text(found: IscsiDiscovery) -> str:
    lines = [found.needed_for_a_session]
    for mechanism in found.mechanisms:
        lines += ["", f"{mechanism.name}: needs {', '.join(mechanism.needs)}"]
        lines += [f"{number}. {step}" for number, step in enumerate(mechanism.steps, 1)]
        for support in mechanism.support:
            lines += [f"{support.release}: {support.detail}", *(f"    {command}" for command in support.commands)]
    return "\n".join([*lines, "", found.note]) + "\n"


def _verdict(valid: bool) -> str:
    return "valid" if valid else "invalid"


def _problems(problems: Sequence[IscsiProblem]) -> list[str]:
    return [f"{problem.severity} {problem.rule}: {problem.message}" for problem in problems]


def _fields(title: str, verdicts: Sequence[FieldVerdict]) -> list[str]:
    return [f"{title} {verdict.who}: {verdict.why}" for verdict in verdicts]


ROUTES = (
    Route(
        method="GET",
        path="/iscsi/validate",
        summary="Whether an iSCSI name is valid, what its parts mean, and which products disagree",
        handle=_validate,
        answer=IscsiName,
        query=NameQuery,
        lookup=True,
        text=_name_text,
        page="iscsi_name.html",
    ),
    Route(
        method="GET",
        path="/iscsi/address",
        summary="An iSCSI address read into host, port and name",
        handle=_address,
        answer=IscsiAddress,
        query=AddressQuery,
        lookup=True,
        text=_address_text,
    ),
    Route(
        method="GET",
        path="/iscsi/build",
        summary="A valid iSCSI name made from its parts",
        handle=_build,
        answer=IscsiName,
        query=BuildQuery,
        lookup=True,
        text=_built_text,
        page="iscsi_name.html",
    ),
    Route(
        method="GET",
        path="/iscsi/alias",
        summary="Whether this text can be an iSCSI alias",
        handle=_alias,
        answer=IscsiAlias,
        query=AliasQuery,
        lookup=True,
        text=_alias_text,
    ),
    Route(
        method="GET",
        path="/iscsi/discovery",
        summary="The three ways in which an initiator finds targets, and which of them ESX supports",
        handle=_discovery,
        answer=IscsiDiscovery,
        lookup=True,
        text=_discovery_text,
        page="iscsi_discovery.html",
    ),
)
