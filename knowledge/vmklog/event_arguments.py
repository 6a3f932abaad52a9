"""Names what the message of an event is about: its device, datastore, path, network adapter and virtual switch."""

from __future__ import annotations

import re
from collections.abc import Iterator

_UUID = r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}"
_DEVICE = r"(?:naa|eui|t10|mpx|vml)\.[^\s\"'\]\[,;<>()]+"
_NFS_END = "-0000-000000000000"

_ARGUMENT = re.compile(
    rf"^\] (?:[\w.:-]+/\S+ )?(?P<first>{_UUID}) (?P<label>[^\r\n]*\S)"
    rf"|(?<![\w-])(?P<uuid>{_UUID})(?![\w-])(?: \(\"?(?P<name>[^()\"\r\n]+)\"?\))?"
    r"|\[(?P<nfs>[0-9a-f]{8}-[0-9a-f]{8})\]"
    r"|[Aa]ffected datastores?(?: \(if any\))?: ?(?P<datastores>\"[^\"]*\"(?:, ?\"[^\"]*\")*)"
    rf"|(?P<device>(?<![\w.-]){_DEVICE})"
    r"|\b(?P<path>vmhba\d+:C\d+:T\d+:L\d+)(?!\w)"
    r"|\b(?P<nic>vmnic\d+)(?!\w)"
    r"|\bvirtual switch \"(?P<switch>[^\"]+)\"",
    re.IGNORECASE,
)


def arguments(message: str) -> str:
    """Return what a message is about, such as ``datastore DS01 (VMFS 5009333b-...)``, or an empty string.

    The identifier of an NFS datastore has two groups of digits, or ends in zeros; that of a VMFS datastore has four
    groups. A message may begin with the identifier of a volume, which its name follows up to the end of the line.
    """
    return ", ".join(dict.fromkeys(_arguments(message)))


def _arguments(message: str) -> Iterator[str]:
    for found in _ARGUMENT.finditer(message):
        if found["first"] or found["uuid"]:
            yield _volume(found["first"] or found["uuid"], found["label"] or found["name"] or "")
        elif found["nfs"]:
            yield f"NFS datastore {found['nfs']}"
        elif found["datastores"]:
            yield from (f"datastore {name}" for name in re.findall(r'"([^"]+)"', found["datastores"]))
        elif found["device"]:
            yield f"device {found['device'].rstrip('.:')}"
        elif found["path"]:
            yield f"path {found['path']}"
        elif found["nic"]:
            yield found["nic"]
        else:
            yield f"virtual switch {found['switch']}"


def _volume(uuid: str, name: str) -> str:
    kind = "NFS" if uuid.endswith(_NFS_END) else "VMFS"
    return f"datastore {name} ({kind} {uuid})" if name else f"{kind} datastore {uuid}"
