"""Recognizes lines of tools that contain an iSCSI name: iscsiadm, esxcli, PowerShell and iscsicli.

The forms of the lines are those in public documentation and reports: open-iscsi (README, ``iscsiadm -m session``),
VMware's ESXCLI concepts and examples, IBM Cloud block storage, Microsoft's ``Get-IscsiTarget``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from knowledge.iscsi.values import Problem

LONGEST_TEXT = 4000
"""Characters; a longer text is not searched."""

_QUOTES = "\"'`\u201c\u201d\u2018\u2019"
_NAME = r"(?P<name>iqn\.[0-9]{4}-[0-9]{2}\.[^\s,;\"'<>()\[\]]+|(?:eui|naa)\.[0-9a-f]{16,32})"
_IPV6 = r"\[[0-9a-f:.]+(?:%[\w.-]+)?\]"
_HOST = rf"(?P<host>{_IPV6}|[\w.-]+)"
_PORTAL = rf"{_HOST}:(?P<port>[0-9]{{1,5}})"
_GROUP = r",-?(?P<group>[0-9]{1,9})"
_ADAPTER = r"vmhba[0-9]+"

_FORMS = tuple(
    (re.compile(form, re.IGNORECASE), what)
    for form, what in (
        (
            rf"{_PORTAL}{_GROUP}\s+{_NAME}",
            "a line of iscsiadm's discovery or node output: portal, portal group and target name",
        ),
        (
            rf"\w+:\s+\[[0-9]+\]\s+{_PORTAL}{_GROUP}\s+{_NAME}(?:\s+\([\w-]+\))?",
            "a line of iscsiadm -m session: transport, session, portal, portal group and target name",
        ),
        (
            rf"(?:[#$]\s*)?(?:sudo\s+)?iscsiadm\s(?:.*\s)?(?:-T|--targetname)[=\s]\s*[\"']?{_NAME}[\"']?(?:\s.*)?",
            "a command of iscsiadm, which has the target name",
        ),
        (
            rf"(?:[#$]\s*)?esxcli\s+iscsi\s(?:.*\s)?(?:-n|--name)[=\s]\s*[\"']?{_NAME}[\"']?(?:\s.*)?",
            "a command of esxcli iscsi, which has the target name",
        ),
        (rf"Target:\s+{_NAME}(?:\s+\([\w-]+\))?", "the target of a session, as iscsiadm and esxcli print it"),
        (rf"node\.name\s*=\s*{_NAME}", "the target name in a node record of iscsiadm"),
        (rf"iface\.initiatorname\s*=\s*{_NAME}", "the initiator name in an interface record of iscsiadm"),
        (rf"InitiatorName\s*=\s*{_NAME}", "the line of /etc/iscsi/initiatorname.iscsi"),
        (
            rf"{_ADAPTER}\s+{_NAME}\s+{_HOST}\s+(?P<port>[0-9]{{1,5}})\s+(?P<group>[0-9]{{1,9}})",
            "a row of esxcli iscsi adapter target portal list: adapter, target name, IP, port and portal group",
        ),
        (
            rf"{_ADAPTER}\s+{_NAME}(?:\s+\S+)+",
            "a row of esxcli iscsi adapter target list: adapter, target name, and how it was discovered",
        ),
        (
            rf"{_ADAPTER}\s+{_PORTAL}\s+{_NAME}",
            "a row of esxcli iscsi adapter discovery statictarget list: adapter, portal and target name",
        ),
        (
            rf"{_ADAPTER}\s+{_PORTAL}",
            "a row of esxcli iscsi adapter discovery sendtarget list, which has a portal and no name",
        ),
        (rf"{_ADAPTER},{_NAME},[0-9a-f]+", "a session of esxcli iscsi session list: adapter, target name and session"),
        (
            rf"{_ADAPTER}\s+\w+\s+\w+\s+{_NAME}(?:\s+\S+)*",
            "a row of esxcli iscsi adapter list, which has the initiator name of an adapter",
        ),
        (rf".*Target:\s+IQN={_NAME}\s.*", "a path of esxcfg-mpath -b, which has the target name"),
        (rf".*\siscsi\s+Adapter:\s+{_NAME}", "a path of esxcfg-mpath -b, which has the initiator name of the adapter"),
        (rf"(?:True|False)\s+{_NAME}(?:\s+\S+)?", "a row of Get-IscsiTarget: IsConnected and NodeAddress"),
        (rf"(?:Initiator|Target)?NodeAddress\s*:\s*{_NAME}", "a property of PowerShell's iSCSI cmdlets"),
        (rf"Target Name\s*:\s*{_NAME}", "a line of iscsicli"),
        (rf"[\w .-]+[:=]\s*[\"']?{_NAME}[\"']?", "a setting whose value is the name"),
    )
)


class Pasted(NamedTuple):
    """One recognized line."""

    what: str
    """What the line is, to complete "This is ..."."""
    name: str
    """The name in it, as written; empty when it has none."""
    address: str
    """``host:port,name`` or ``host:port`` of it; empty when it has no portal."""


def recognize(text: str) -> list[Pasted]:
    """Return the lines of ``text`` that are the output of a tool, in their order; other lines are skipped."""
    return list(_recognized(text)) if len(text) <= LONGEST_TEXT else []


def _recognized(text: str) -> Iterator[Pasted]:
    for line in text.splitlines():
        bare = line.strip().strip(_QUOTES).strip()
        for form, what in _FORMS:
            if found := form.fullmatch(bare):
                parts = found.groupdict()
                name = parts.get("name") or ""
                portal = f"{parts['host']}:{parts['port']}" if parts.get("host") else ""
                yield Pasted(what, name, f"{portal},{name}" if portal and name else portal)
                break


def pasted_problems(lines: list[Pasted], found: Mapping[str, tuple[Problem, ...]], what: str) -> tuple[Problem, ...]:
    """Return the problem of a text that consists of recognized lines, and those of what was found in them.

    ``found`` has the problems of each name or address in the lines by that text, and ``what`` is ``name`` or
    ``address``.
    """
    message = f"This is {lines[0].what}."
    if len(lines) > 1:
        message = f"This is {len(lines)} lines of output; the first is {lines[0].what}."
    if found:
        message += f" The {what} in it is checked." if len(found) == 1 else f" Each {what} in it is checked."
    remark = Problem(rule="pasted-line", severity="error", message=message)
    if len(found) < 2:
        return (remark, *(problem for problems in found.values() for problem in problems))
    named = (replace(each, message=f"{text}: {each.message}") for text, problems in found.items() for each in problems)
    return (remark, *named)
