"""Builds an iSCSI name from its parts; refuses what ``validate`` would refuse, with the same rules."""

from __future__ import annotations

import datetime
import re
from typing import NoReturn

from knowledge.errors import Unreadable
from knowledge.iscsi.names import validate
from knowledge.iscsi.values import Name, Problem

TYPES = ("iqn", "eui", "naa")


class BuildRefused(Unreadable):
    """The parts do not make a valid name; ``problems`` has one entry for each rule that they break."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


def build(
    kind: str,
    *,
    domain: str = "",
    date: str = "",
    string: str | None = None,
    hex_digits: str = "",
    today: datetime.date | None = None,
) -> Name:
    """Return the verdict on a new, valid name; its ``normalized`` field is the name to use.

    ``kind`` is one of ``TYPES``. ``iqn`` needs ``domain`` as people write it (``example.com``) and ``date`` as
    ``yyyy-mm``; ``string`` is optional. ``eui`` and ``naa`` need ``hex_digits``, in which ``:``, ``-``, spaces and a
    leading ``0x`` are ignored. ``today`` is the date for the check of dates in the future. Raises BuildRefused.
    """
    if kind == "iqn":
        text = _iqn_text(domain, date, string)
    elif kind in TYPES:
        text = f"{kind}.{_bare_digits(kind, hex_digits)}"
    else:
        _refuse("type", f"There is no type {kind!r}; the types are {', '.join(TYPES)}.")
    built = validate(text, today=today)
    if not built.valid:
        raise BuildRefused(tuple(problem for problem in built.problems if problem.severity == "error"))
    return built


def _iqn_text(domain: str, date: str, string: str | None) -> str:
    bare = domain.strip().rstrip(".")
    if not bare:
        _refuse("naming-authority", "The domain is missing. Give a domain that you own, such as example.com.")
    if ":" in bare:
        _refuse("naming-authority", f"{bare!r} is not a domain. Leave out the scheme and the port.")
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", date.strip()):
        _refuse("iqn-date", f"{date!r} is not a year and month. Give one in which you owned the domain, as in 2001-04.")
    reversed_domain = ".".join(reversed(bare.split(".")))
    suffix = f":{string}" if string else ""
    return f"iqn.{date.strip()}.{reversed_domain}{suffix}"


def _bare_digits(kind: str, hex_digits: str) -> str:
    bare = re.sub(r"^0x|[-: ]", "", hex_digits.strip(), flags=re.IGNORECASE)
    if not bare:
        _refuse(f"{kind}-digits", "Give the hexadecimal digits of the identifier.")
    return bare


def _refuse(rule: str, message: str) -> NoReturn:
    raise BuildRefused((Problem(rule=rule, severity="error", message=message),))
