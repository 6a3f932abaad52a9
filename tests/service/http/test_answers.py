"""The JSON of each lookup has the names, order and types that programs rely on; `answers.json` has them on record.

A field that is added goes into the record; one that is renamed or removed is a change that CHANGELOG.md announces.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.running_service import RunningService

RECORD = json.loads(Path(__file__).with_name("answers.json").read_text("utf-8"))

LOG = "H:0x0 D:0x2 P:0x0 Possible sense data: 0x5 0x24 0x0. 0xbad0022\nnaa.600508b1001c16aa bad0006 Timeout"
VMX = 'a = "1"\nserial0.present = "FALSE"\nserial0.present = "FALSE"\n'
PIPE = {"text": VMX, "snippet": "serial-pipe", "params": {"path": "/vmfs/volumes/datastore1/pipe"}}

CALLS: dict[str, tuple[str, object]] = {
    "a code": ("/vmkerr/0xbad0022", None),
    "an errno": ("/vmkerr/EAGAIN", None),
    "words": ("/vmkerr/reservation%20conflict?release=6.7", None),
    "the whole table": ("/vmkerr", None),
    "releases": ("/releases", None),
    "an unknown code": ("/vmkerr/0xbad1022", None),
    "a log": ("/decode", {"text": LOG, "release": None}),
    "an iqn name": ("/iscsi/validate?name=iqn.2001-04.com.example:Disk1", None),
    "an eui name": ("/iscsi/validate?name=eui.02004567A425678D", None),
    "an naa name": ("/iscsi/validate?name=naa.52004567BA64678D", None),
    "an invalid name": ("/iscsi/validate?name=iqn.2001-4.com.example:disk_1", None),
    "an address": ("/iscsi/address?address=[2001:db8::1]:3261,iqn.2001-04.com.example:disk1", None),
    "an alias": ("/iscsi/alias?alias=x", None),
    "discovery": ("/iscsi/discovery", None),
    "snippets": ("/vmx/snippets", None),
    "a snippet": ("/vmx/snippets/serial-pipe?path=/a", None),
    "a lint of a VMX": ("/vmx/lint", {"text": VMX}),
    "a merge": ("/vmx/merge", PIPE),
    "about OVF": ("/ovf", None),
    "a driver": ("/drivermap?device=10de:037f&driver=sata_nv&like=037e", None),
    "a P2V checklist": ("/p2v/checklist?distribution=centos&version=4&disk=sda:39070080&disk=hdb", None),
    "a P2V estimate": ("/p2v/estimate?size=36GB", None),
    "P2V tools": ("/p2v/tools", None),
    "procedures": ("/procedures?q=reservation", None),
    "a procedure": ("/procedures/iscsi-names", None),
    "a runbook": ("/runbook/ScsiReservationConflict", None),
    "no runbook": ("/runbook/Xyzzy", None),
    "a run of a checklist": ("/p2v/runs", {"distribution": "centos", "version": "4"}),
}


@pytest.mark.parametrize("call", CALLS)
def test_answer_has_the_names_order_and_types_on_record(plain_service: RunningService, call: str) -> None:
    path, body = CALLS[call]
    _, answer = plain_service.call("GET" if body is None else "POST", path, body)

    assert json.dumps(shape(answer), indent=1) == json.dumps(RECORD[call], indent=1)


def shape(value: Any) -> Any:
    """The names and types of a JSON value; the elements of a list count together."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [merged([shape(item) for item in value])] if value else []
    return "null" if value is None else type(value).__name__


def merged(shapes: list[Any]) -> Any:
    """One shape for all: where they differ, every type that occurs."""
    if all(isinstance(each, dict) for each in shapes):
        names = dict.fromkeys(name for each in shapes for name in each)
        return {name: merged([each[name] for each in shapes if name in each]) for name in names}
    if all(isinstance(each, list) for each in shapes):
        items = [item for each in shapes for item in each]
        return [merged(items)] if items else []
    words = {json.dumps(each) if isinstance(each, (dict, list)) else each for each in shapes}
    return words.pop() if len(words) == 1 else " or ".join(sorted(words))
