"""Faults on the network between vmkops and vCenter or its hosts, made by a proxy that opens TLS; only data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PLACE = 1_000_000
"""The byte of a body where something happens."""


@dataclass(frozen=True, kw_only=True)
class WireCase:
    """`harm` are the arguments of `Proxy.harm`, `host` the simulator's download settings (tests/vcsim/README.md)."""

    what: str
    action: str
    harm: Mapping[str, Any]
    host: Mapping[str, Any] = field(default_factory=dict)
    end: str
    error: str = ""
    """The type of the job's error."""
    says: str
    """A part of the job's error, or of the details of its steps."""


WIRE = [
    WireCase(
        what="one byte of a disk is changed, once",
        action="backup",
        harm={"corrupt_at": PLACE},
        end="succeeded",
        says="with the SHA-256 that the host sent",
    ),
    WireCase(
        what="one byte of a disk is changed, each time",
        action="backup",
        harm={"corrupt_at": PLACE, "count": 9},
        end="failed",
        error="urn:vmkops:backup-damaged",
        says="something between the host and this service changes data",
    ),
    WireCase(
        what="one byte of a disk is changed once, and the host gives SHA-1 only (before 6.7)",
        action="backup",
        harm={"corrupt_at": PLACE},
        host={"checksums": "sha1"},
        end="succeeded",
        says="with the SHA-1 that the host sent",
    ),
    WireCase(
        what="a host gives no checksums (before 4.1)",
        action="backup",
        harm={},
        host={"checksums": "none"},
        end="succeeded",
        says="not compared, because the host does not report what it sent",
    ),
    WireCase(
        what="a download is cut, once",
        action="backup",
        harm={"cut_after": PLACE},
        end="succeeded",
        says="with the SHA-256 that the host sent",
    ),
    WireCase(
        what="a download is cut, each time",
        action="backup",
        harm={"cut_after": PLACE, "count": 9},
        end="failed",
        error="urn:vmkops:copy-failed",
        says="was interrupted",
    ),
    WireCase(
        what="a download stalls, and somebody cancels",
        action="backup",
        harm={"stall_after": PLACE, "count": 9},
        end="cancelled",
        error="urn:vmkops:cancelled",
        says="Cancelled by",
    ),
    WireCase(
        what="the answer to CreateSnapshot_Task is cut off in its middle",
        action="backup",
        harm={"path": "/sdk", "says": "CreateSnapshot_Task", "cut_after": 100},
        end="succeeded",
        says="removed",
    ),
    WireCase(
        what="the answer to RemoveSnapshot_Task is cut off in its middle",
        action="backup",
        harm={"path": "/sdk", "says": "RemoveSnapshot_Task", "cut_after": 100},
        end="succeeded",
        says="no snapshot to remove",
    ),
    WireCase(
        what="one byte of a disk is changed on its way to the host",
        action="restore",
        harm={"upload": True, "corrupt_at": PLACE},
        end="failed",
        error="urn:vmkops:restore-failed",
        says="with the SHA-1",
    ),
    WireCase(
        what="an upload is cut",
        action="restore",
        harm={"upload": True, "cut_after": PLACE},
        end="failed",
        error="urn:vmkops:copy-failed",
        says="was interrupted",
    ),
]
UNPLUGGED = {
    "vCenter is unplugged while a disk is copied, and comes back": "backup",
    "vCenter is unplugged while the snapshot is taken, and comes back": "backup",
    "vCenter is unplugged while a VM is powered off, and comes back": "power-off",
}
"""Jobs that succeed, and make their change once, when vCenter comes back."""
