"""Parses ``iqn.yyyy-mm.reversed.domain[:string]`` and reports the rules that it breaks."""

from __future__ import annotations

import re
from datetime import date

from knowledge.iscsi.domain import DOCUMENTED_TOP_LEVEL_DOMAINS, domain_faults, known_to_rfc_3721
from knowledge.iscsi.values import IqnParts, Problem

FIRST_DOMAIN_YEAR = 1985
"""The year in which the first domain names were registered."""

_GRAMMAR = "RFC 7143 section 4.2.7.4"
_FORM = re.compile(r"iqn\.([0-9]{4})-([0-9]{2})\.([^:]*)(?::(.*))?", re.DOTALL)

# iqn.1998-01.com.vmware:HOST-1a2b3c4d up to ESXi 6, iqn.1998-01.com.vmware:HOST:1460526497:65 from ESXi 7 on.
_VMWARE_STRING = re.compile(r"(.+)-[0-9a-f]{8}|(.+):[0-9]{6,10}:[0-9]{1,3}")


def read_iqn(text: str, today: date) -> tuple[IqnParts | None, tuple[Problem, ...]]:
    """Return the parts of a prepared ``iqn.`` name and its problems.

    The parts are None when the name does not have the form of date and domain. Dates after ``today`` get a warning.
    """
    form = _FORM.fullmatch(text)
    if not form:
        return None, (_unreadable_date(text),)
    year, month, authority, string = form.groups()
    parts = IqnParts(
        date=f"{year}-{month}",
        year=int(year),
        month=int(month),
        naming_authority=".".join(reversed(authority.split("."))),
        reversed_authority=authority,
        string=string,
        vmware_host=_vmware_host(authority, string),
    )
    return parts, (*_date_problems(parts, today), *_authority_problems(parts), *_string_problems(parts))


def _unreadable_date(text: str) -> Problem:
    found = text.removeprefix("iqn.").split(".")[0].split(":")[0][:20]
    return Problem(
        rule="iqn-date",
        severity="error",
        message=(
            f"{found!r} follows 'iqn.' instead of a year and month such as 2001-04: four digits, a dash, two digits,"
            " then a dot and the reversed domain."
        ),
        source=_GRAMMAR,
    )


def _date_problems(parts: IqnParts, today: date) -> list[Problem]:
    if not 1 <= parts.month <= 12:
        message = f"Month {parts.month:02d} does not exist; the month is 01 to 12."
        return [Problem(rule="iqn-month", severity="error", message=message, source=_GRAMMAR)]
    if parts.year == 0:
        return [Problem(rule="iqn-year", severity="error", message="There is no year 0000.", source=_GRAMMAR)]
    if parts.year < FIRST_DOMAIN_YEAR:
        message = f"Nobody owned a domain name in {parts.year}; the first were registered in {FIRST_DOMAIN_YEAR}."
    elif (parts.year, parts.month) > (today.year, today.month):
        message = f"{parts.date} is in the future; use a month in which the organization owned the domain."
    else:
        return []
    return [Problem(rule="iqn-year", severity="warning", message=message, source=_GRAMMAR)]


def _authority_problems(parts: IqnParts) -> list[Problem]:
    labels = parts.naming_authority.split(".")
    faults = domain_faults(labels)
    problems = [
        Problem(
            rule="naming-authority",
            severity="error",
            message=f"The naming authority '{parts.reversed_authority}' is not a reversed domain name: {fault}.",
            source=f"{_GRAMMAR}, RFC 1034 section 3.5",
        )
        for fault in faults
    ]
    if faults:
        return problems
    if len(labels) == 1:
        problems.append(
            Problem(
                rule="naming-authority-single-label",
                severity="warning",
                message=(
                    f"The naming authority is only '{labels[0]}', a top-level domain; a part of the domain is"
                    " probably missing."
                ),
                source=_GRAMMAR,
            )
        )
    if not known_to_rfc_3721(labels[-1]):
        problems.append(_undocumented_top_level_domain(labels))
    return problems


def _undocumented_top_level_domain(labels: list[str]) -> Problem:
    not_reversed = labels[0] in DOCUMENTED_TOP_LEVEL_DOMAINS
    hint = " It looks as if the domain was not reversed." if not_reversed else ""
    return Problem(
        rule="documented-top-level-domain",
        severity="warning",
        message=(
            f"The naming authority begins with '{labels[-1]}'. The documented rule allows only com, edu, gov, org, net,"
            " mil or a two-letter country code there. Newer top-level domains exist, so the name is valid, but old"
            f" equipment may refuse it.{hint}"
        ),
        source="the documented iSCSI naming rule, from the time of RFC 3721",
    )


def _string_problems(parts: IqnParts) -> list[Problem]:
    if parts.string != "":
        return []
    message = "Nothing follows the colon; remove the colon, or add the string that makes the name unique."
    return [Problem(rule="iqn-string-empty", severity="warning", message=message, source=_GRAMMAR)]


def _vmware_host(authority: str, string: str | None) -> str | None:
    if authority != "com.vmware" or not string:
        return None
    found = _VMWARE_STRING.fullmatch(string)
    return (found[1] or found[2]) if found else None
