"""Finds the faults of the vSphere API in a log line: as hostd and vpxd name them, and as SOAP and its clients do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from knowledge.data_files import data_lines
from knowledge.vmklog.facts import facts
from knowledge.vmklog.finding import Certainty, Finding, Meaning
from knowledge.vmklog.line import Finder, Line

KIND_OF = "{name}, a kind of {base}: {meaning}"
NOT_EXPLAINED = "{name}: a fault of the vSphere API; the message next to it has the reason"
UNKNOWN = "{name}: a fault that is not in the known versions of the vSphere API"
OF_API = "the vSphere API has a fault of this name"
NOT_IN_API = "no known version of the vSphere API has it"
OF_SOAP = "the name is spelled as in SOAP messages, without vim.fault; another program may use it too"

_FAULT = re.compile(
    r"(?<!\w)(?P<full>(?:vim|vmodl|sms|pbm|eam|vslm)\.(?:fault|query)\.(?:replication\.)?[A-Z]\w*)(?!\w)(?!\s*\)\s*null\b)"
    r"|(?<![\w.$])(?:[a-z]\w*:)?(?P<soap>[A-Z]\w+Fault)(?:Msg)?(?![\w.(])"
    r"|\bvim25\.(?P<vim25>[A-Z]\w+?)(?:Fault)?(?:Msg)?(?!\w)"
)


def find(line: Line) -> Iterator[Finding]:
    """Yield the faults of a line; a name as in SOAP messages counts only when the API has it."""
    for found in _FAULT.finditer(line.text):
        group = found.lastgroup or ""
        name = found[group] if group == "full" else _full_name(found[group])
        if name:
            yield line.finding(*found.span(group), _meaning(name, "certain" if group == "full" else "likely"))


FINDER = Finder(
    lambda _: (
        *(rf"(?-i){service}\.(?:fault|query)\." for service in ("vim", "vmodl", "sms", "pbm", "eam", "vslm")),
        r"(?-i)(?:[^d\n]|[^o\n]d)Fault",
        r"(?-i)vim25\.[A-Z]",
    ),
    find,
)


@cache
def _bases() -> dict[str, str]:
    """Return the fault that each fault is a kind of."""
    return dict(line.split("\t") for line in data_lines("vim_fault_types.tsv"))


def full_name(last_part: str, *, any_case: bool = False) -> str:
    """Return the full name of a fault of the API, ``vim.fault.FileLocked`` for ``FileLocked``, or an empty string."""
    if any_case:
        return next((full for name, full in _by_last_part().items() if name.lower() == last_part.lower()), "")
    return _full_name(last_part)


@cache
def _by_last_part() -> dict[str, str]:
    """Return the full names by their last part; a name of ``vim.fault`` or ``vmodl.fault`` comes before others."""
    ranked = sorted(_bases(), key=lambda name: name.startswith(("vim.", "vmodl.")))
    return {name.rpartition(".")[2]: name for name in ranked}


def _full_name(soap: str) -> str:
    """Return the full name of a fault in SOAP, whose element is its type with ``Fault`` (``FileLockedFault``)."""
    names = _by_last_part()
    return names.get(soap.removesuffix("Fault")) or names.get(soap) or ""


@lru_cache(maxsize=1024)
def _meaning(name: str, certainty: Certainty) -> Meaning:
    reason = OF_API if certainty == "certain" else OF_SOAP
    base = name
    while base in _bases():
        if fact := facts("vim_faults.tsv").get(base):
            kind_of = KIND_OF.format(name=name, base=base.rpartition(".")[2], meaning=fact.meaning)
            summary = f"{name}: {fact.meaning}" if base == name else kind_of
            return fact.as_meaning("vim-fault", summary, certainty, reason)
        base = _bases()[base]
    if name in _bases():
        return Meaning(
            kind="vim-fault",
            summary=NOT_EXPLAINED.format(name=name),
            certainty=certainty,
            reason=reason,
            where="vCenter",
        )
    return Meaning(kind="vim-fault", summary=UNKNOWN.format(name=name), certainty="open", reason=NOT_IN_API)
