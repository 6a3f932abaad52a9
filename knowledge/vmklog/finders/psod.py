"""Finds the headings of a purple diagnostic screen (PSOD), and the first frame of its backtrace outside the VMkernel.

A frame is ``Function@module#version+offset``. Those of the VMkernel itself are ``@vmkernel#nover``. The values after
``stack:`` are contents of memory, not statuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.vmklog import phrases
from knowledge.vmklog.facts import Fact, facts
from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.line import Finder, Line

HEADINGS = "psod_headings.tsv"
EXCEPTION = "VMkernel panic (purple diagnostic screen): exception {vector}, {meaning}"
IN_WORLD = ", in world {world} ({name})"
UNKNOWN_EXCEPTION = "VMkernel panic (purple diagnostic screen): exception {vector}"
HEADING = "VMkernel panic (purple diagnostic screen): {meaning}"
FRAME = "first frame outside the VMkernel: function {function} of the module {module}"
DEFINED = "x86 processors define this exception"
NOT_DEFINED = "x86 processors do not define this exception"
OF_SCREEN = "the text is that of a purple diagnostic screen"
TEXT_ALONE = "this text is that of a purple diagnostic screen, but no line just before it is of one"
SUSPECT = "the first module that is not the VMkernel is the first suspect, not the proven cause"
PART_OF_ESXI = "Its name is that of a part of ESXi, not of a third-party driver."
SEARCH = (
    "Search the knowledge base for the build and the first function names. If the module is a driver, compare its"
    " version and the firmware of its device with the compatibility guide."
)

_EXCEPTION = re.compile(
    r"(?:#[A-Z]{2} Exception ?\(?|\bException type )(?P<vector>\d{1,3})\)?"
    r"(?: in world (?P<world>\d{1,12}):(?P<name>[^\n]{1,80}?)(?= [Ii][Pp] | @|  |\s*$))?"
)
_FRAME = re.compile(
    r"\](?P<frame>(?P<function>[A-Za-z_][\w.$]*)['\"]?@['\"]?\(?(?P<module>[\w.-]+)\)?#[\w.<>-]{1,40}\+0x[0-9a-f]+)"
)
_VMKERNEL = frozenset({"vmkernel", "com.vmware.driverAPI", "com.vmware.vmkapi"})
"""The VMkernel, and the interfaces through which drivers call it."""
_PARTS_OF_ESXI = frozenset({"esx", "vmfs3", "tcpip4", "etherswitch", "nfsclient", "nfs41client"})
_BANNER = re.compile(r"\bVMware ESX[\w .]{0,40}\[Releasebuild-\d")
"""The first line of a screen, such as ``VMware ESXi 8.0.1 [Releasebuild-21813344 x86_64]``."""
_LONGEST = 120
"""Lines of a screen after its heading."""
_NEAR = 10
"""Lines between the banner and the headings of a screen, at most."""


def find(line: Line) -> Iterator[Finding]:
    """Yield the headings of a line, and the first frame outside the VMkernel after a heading.

    Only the lines before a heading show that it is on a screen, because a log is read line by line.
    """
    if "[Releasebuild-" in line.text and _BANNER.search(line.text):
        line.context.screen = line.number
    for found in _EXCEPTION.finditer(line.text) if "xception" in line.text else ():
        line.context.psod = line.context.screen = line.number
        end = found.end("world") if found["world"] else found.end()
        yield line.finding(found.start(), end, _exception_meaning(found["vector"], found["world"], found["name"]))
    for found, fact in phrases.matches(HEADINGS, line):
        certain = "BlueScreen" in line.text or _is_on_screen(line)
        line.context.psod = line.context.screen = line.number
        yield line.finding(*phrases.span(found), _heading_meaning(fact, phrases.about(found), certain))
    if line.context.psod and line.number - line.context.psod <= _LONGEST:
        for frame in _FRAME.finditer(line.text):
            if frame["module"] not in _VMKERNEL:
                line.context.psod = 0
                yield line.finding(*frame.span("frame"), _frame_meaning(frame["function"], frame["module"]))
                return


FINDER = Finder(
    lambda _: (
        r"(?-i)#[A-Z]{2} Exception ?\(?\d",
        r"(?-i)Exception type \d",
        r"(?-i)VMware ESX[\w .]{0,40}\[Releasebuild-\d",
        r"(?-i)#[\w.<>-]{1,40}\+0x[\da-f]",
        *phrases.signs(HEADINGS),
    ),
    find,
)


def _is_on_screen(line: Line) -> bool:
    """Return whether a line of a screen is near before this one: a heading without its frames, or the banner."""
    context = line.context
    return bool(
        (context.psod and line.number - context.psod <= _LONGEST)
        or (context.screen and line.number - context.screen <= _NEAR)
    )


@lru_cache(maxsize=256)
def _exception_meaning(vector: str, world: str | None, name: str | None) -> Meaning:
    where = IN_WORLD.format(world=world, name=name) if world else ""
    if fact := facts("cpu_exceptions.tsv").get(str(int(vector))):
        return fact.as_meaning("psod", EXCEPTION.format(vector=vector, meaning=fact.meaning) + where, reason=DEFINED)
    fact = facts("cpu_exceptions.tsv")["13"]
    return fact.as_meaning("psod", UNKNOWN_EXCEPTION.format(vector=vector) + where, "open", NOT_DEFINED)


@lru_cache(maxsize=256)
def _heading_meaning(fact: Fact, about: str, certain: bool) -> Meaning:
    summary = HEADING.format(meaning=f"{fact.meaning} ({about})" if about else fact.meaning)
    return fact.as_meaning("psod", summary, *(("certain", OF_SCREEN) if certain else ("likely", TEXT_ALONE)))


@lru_cache(maxsize=256)
def _frame_meaning(function: str, module: str) -> Meaning:
    of_esxi = module in _PARTS_OF_ESXI
    return Meaning(
        kind="psod",
        summary=FRAME.format(function=function, module=module),
        certainty="likely",
        reason=SUSPECT,
        where="host" if of_esxi else "HBA or driver",
        class_="software fault",
        next=SEARCH,
        procedures=("purple-screen",),
        notes=(PART_OF_ESXI,) if of_esxi else (),
    )
