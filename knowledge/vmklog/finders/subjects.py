"""Finds what a line is about: paths, adapters, datastores and VMs.

These names are so frequent that a line is not worth a reader's time because of them. They are therefore looked for only
in lines with another finding. The exception is the name of the VM that ``vmware.log`` shows once, when the VM starts.

Formats: VMware's documentation of storage paths (``vmhbaA:CC:TT:LL``, and ``vmhbaA:T:L:P`` before ESX 4), of
``/vmfs/volumes``, and the texts of the events ``esx.problem.storage.*`` and ``esx.problem.vmfs.*``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.line import Finder, Line, places

PATH = "{name}: the path through adapter vmhba{adapter} to channel {channel}, target {target}, LUN {lun}"
PATH_3 = "{name}: the path through adapter vmhba{adapter} to target {target}, LUN {lun}"
MPX = "{name}: a device without a worldwide name, named by the path that leads to it"
STORAGE_ADAPTER = "{name}: a storage adapter of the host"
NETWORK_ADAPTER = "{name}: a physical network adapter of the host"
DATASTORE = "{name}: a datastore"
VOLUME = "{name}: the UUID of a VMFS volume"
NFS_VOLUME = "{name}: the UUID of an NFS datastore"
VM = "{name}: a VM"

_NFS_END = "-0000-000000000000"
_DIGITS = 8
_HEX8 = f"[0-9a-f]{{{_DIGITS}}}"
_ADAPTER = re.compile(
    r"(?<![\w.:])(?P<mpx>mpx\.(?=vmhba\d))?"
    r"(?P<name>vmhba(?P<adapter>\d{1,5})"
    r"(?::C(?P<channel>\d{1,5}):T(?P<target>\d{1,5}):L(?P<lun>\d{1,5})(?!\w)"
    r"|:(?P<target3>\d{1,5}):(?P<lun3>\d{1,5})(?::\d{1,5})?(?![\w:]))?"
    r"|vmnic\d{1,5})(?!\w)",
    re.IGNORECASE,
)
_PATH_OF_FILE = re.compile(
    r"/vmfs/volumes/(?P<datastore>(?:(?<=[\[\"'(]/vmfs/volumes/)[^/\"'\[\]<>|]{1,80}(?=/)|[^/\s\"'\[\]()<>|,;]{1,80}))"
    r"(?:/[^/\"'\[\]<>|:,;]{1,120}/(?P<vm>[^/\"'\[\]<>|:,;]{1,80}?)\.vmx\b)?",
)
"""A name may have blanks where a quote or bracket before the path shows that they belong to it."""

_VOLUME = re.compile(
    rf"(?<![\w-])(?P<volume>{_HEX8}-{_HEX8}-[0-9a-f]{{4}}-[0-9a-f]{{12}})(?![\w-])"
    r"(?: \(\"?(?P<name>[^()\"]{1,80})\"?\))?",
    re.IGNORECASE,
)
_VOLUME_END = re.compile(rf"-{_HEX8}-[0-9a-f]{{4}}-[0-9a-f]{{12}}", re.IGNORECASE)
"""The end of the UUID of a volume; because of the dash at its beginning, it is found faster than the whole."""
_VOLUME_OF_EVENT = re.compile(
    rf"\besx\.[\w.]*vmfs[\w.]*\] (?P<volume>{_HEX8}-{_HEX8}-[0-9a-f]{{4}}-[0-9a-f]{{12}}) (?P<name>[^\s(\"]{{1,80}})",
    re.IGNORECASE,
)
_NFS_VOLUME = re.compile(rf"\bident(?:ifier)? \[?({_HEX8}-{_HEX8})(?![\w-])", re.IGNORECASE)
_AFFECTED = re.compile(r"\bdatastores?(?: \(if any\))?: (?=\")(?:(?:, )?\"[^\"]{1,80}\"){1,64}", re.IGNORECASE)
_QUOTED = re.compile(r"\"([^\"]{1,80})\"")
_NAMED = re.compile(r"\b(?:vol(?:ume)?|datastore) (?:'([^']{1,80})'|\"([^\"]{1,80})\")", re.IGNORECASE)
_OF_VOLUME_MODULE = re.compile(
    r"\b(?:vol3|fs3\w{0,8}|fil[36]|j3|res3|hbx): \d{1,5}: '(?!naa|eui|t10|mpx|vml)([^'/]{1,80})'", re.IGNORECASE
)
"""The name of a volume in a line of VMFS."""
_SNAPSHOT_OF = re.compile(r"\bvirtual machine snapshot ([^\s:,;()\"'][^:,;()\"'\n]{0,79}): ", re.IGNORECASE)
"""How a client shows the task that failed, with the VM that it is for."""
_BRACKETED = re.compile(r"(?<![\w.])\[([^\[\]/:]{1,80})\] [^\[\]/]{1,120}/[^\[\]/]{1,120}?\.(?:vmx|vmdk)\b")
_WORLD = re.compile(
    r"(?<![\w.])(?:vmm|vmx-vcpu-)\d{1,3}:([^\s:()\[\]\"',;]{1,80}(?=[)\],;\"':]|$)"
    r"|[^\s:()\[\]\"',;][^:()\[\]\"',;]{0,79}?(?=\)| of type | ip | @ ))",
    re.IGNORECASE,
)
"""The name of a VM may have blanks; it is read where it is clear where it ends."""

_DISPLAY_NAME = re.compile(r"\bDICT +displayName = \"([^\"]{1,80})\"")

_LONGEST_LEAD = 64
"""Characters that ``DICT`` and the blanks before ``displayName`` take at most."""

REASON = "the form of the name, or the words around it, show what it is"


def find(line: Line) -> Iterator[Finding]:
    """Yield the paths, adapters, datastores and VMs of a line."""
    until = 0
    for at in places(line.lower, "vmhba", "vmnic"):
        mpx = at - len("mpx.")
        found = _ADAPTER.match(line.text, mpx) if mpx >= until else None
        found = found or (_ADAPTER.match(line.text, at) if at >= until else None)
        if found:
            until = found.end()
            yield line.finding(found.start(), found.end(), _adapter_meaning(found))
    spans: set[tuple[int, int]] = set()
    for kind, start, end in _places(line):
        if (start, end) not in spans:
            spans.add((start, end))
            yield line.finding(start, end, _meaning(kind, line.text[start:end]))


def find_vm(line: Line) -> Iterator[Finding]:
    """Yield the name of the VM whose ``vmware.log`` this is."""
    at = line.text.find("displayName")
    if at >= 0 and (found := _DISPLAY_NAME.search(line.text, max(0, at - _LONGEST_LEAD))):
        yield line.finding(*found.span(1), _meaning("vm", found[1]))


VM_OF_LOG = Finder(lambda _: (r"dict +displayname = \"",), find_vm)


def _places(line: Line) -> Iterator[tuple[str, int, int]]:
    """Yield the kind, start and end of each datastore and VM; a place may come twice."""
    text, lower = line.text, line.lower
    if "/vmfs/volumes/" in lower:
        for found in _PATH_OF_FILE.finditer(text):
            yield (_kind_of_name(found["datastore"]), *found.span("datastore"))
            if found["vm"]:
                yield ("vm", *found.span("vm"))
    until = 0
    for end in _VOLUME_END.finditer(text):
        start = end.start() - _DIGITS
        if start >= until and (volume := _VOLUME.match(text, start)):
            until = volume.end()
            yield ("volume", *volume.span("volume"))
            if volume["name"]:
                yield ("datastore", *volume.span("name"))
    if "vmfs" in lower and "esx." in lower and (event := _VOLUME_OF_EVENT.search(text)):
        yield ("datastore", *event.span("name"))
    if "identifier " in lower or "ident [" in lower:
        for found in _NFS_VOLUME.finditer(text):
            yield ("nfs", *found.span(1))
    for found in line.matches(_AFFECTED, "datastore"):
        for name in _QUOTED.finditer(text, *found.span()):
            yield ("datastore", *name.span(1))
    for found in line.matches(_NAMED, "vol", "datastore"):
        which = 1 if found[1] else 2
        yield (_kind_of_name(found[which]), *found.span(which))
    for found in line.matches(_OF_VOLUME_MODULE, "vol3", "fs3", "fil", "j3", "res3", "hbx"):
        yield (_kind_of_name(found[1]), *found.span(1))
    for found in line.matches(_SNAPSHOT_OF, "virtual machine snapshot "):
        yield ("vm", *found.span(1))
    if ".vm" in lower and "] " in text:
        for found in _BRACKETED.finditer(text):
            yield ("datastore", *found.span(1))
    for found in line.matches(_WORLD, "vmm", "vmx-vcpu-"):
        yield ("vm", *found.span(1))


def _kind_of_name(name: str) -> str:
    return "volume" if _VOLUME.fullmatch(name) else "nfs" if re.fullmatch(f"{_HEX8}-{_HEX8}", name) else "datastore"


def _adapter_meaning(found: re.Match[str]) -> Meaning:
    name, lun = found["name"], found["lun"] or found["lun3"]
    if found["mpx"]:
        return _meaning("mpx", f"mpx.{name}")
    if lun is None:
        return _meaning("adapter", name)
    return _path_meaning(name, found["adapter"], found["channel"], found["target"] or found["target3"], lun)


@lru_cache(maxsize=16384)
def _path_meaning(name: str, adapter: str, channel: str | None, target: str, lun: str) -> Meaning:
    words = PATH_3 if channel is None else PATH
    summary = words.format(name=name, adapter=adapter, channel=channel, target=target, lun=lun)
    return Meaning(kind="path", summary=summary, reason=REASON)


@lru_cache(maxsize=16384)
def _meaning(kind: str, name: str) -> Meaning:
    match kind:
        case "mpx":
            return Meaning(kind="mpx", summary=MPX.format(name=name), reason=REASON)
        case "adapter":
            words = NETWORK_ADAPTER if name.lower().startswith("vmnic") else STORAGE_ADAPTER
            return Meaning(kind="adapter", summary=words.format(name=name), reason=REASON)
        case "volume" if name.endswith(_NFS_END):
            return Meaning(kind="datastore", summary=NFS_VOLUME.format(name=name.lower()), reason=REASON)
        case "volume":
            return Meaning(kind="datastore", summary=VOLUME.format(name=name.lower()), reason=REASON)
        case "nfs":
            return Meaning(kind="datastore", summary=NFS_VOLUME.format(name=name.lower()), reason=REASON)
        case "vm":
            return Meaning(kind="vm", summary=VM.format(name=name), reason=REASON)
    return Meaning(kind="datastore", summary=DATASTORE.format(name=name), reason=REASON)
