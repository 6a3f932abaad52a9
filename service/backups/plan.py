"""What the steps of a backup record; the next step, also after a restart or an upgrade, reads it back typed."""

from __future__ import annotations

from pydantic import Field

from service.jobs.action import StepResult
from service.packages.folder import PackageFile


class BackupPlan(StepResult):
    """What the first step decided: which VM, whether to quiesce it, and which of its disks to copy."""

    name: str
    uuid: str
    instance_uuid: str = ""
    quiesce: bool
    running: bool
    allocated: int | None
    """Bytes that the VM uses on its datastores: an upper estimate of what is copied."""
    parallel: int
    """How many disks are copied at a time."""
    turns: list[str]
    """What each copy takes a copy slot of: the host and the datastores, such as `host:host-21`."""
    eligible: list[str]
    """Labels of the disks that a snapshot holds."""
    left_out: list[str]
    """Labels of the disks that no snapshot holds, each with the reason."""
    save: str = ""
    """The save profile that the disks go to; empty when they are copied into the folder."""


class SnapshotTaken(StepResult):
    """The snapshot that the backup reads from; `consistency` is quiesced, crash-consistent or powered off."""

    moref: str
    consistency: str


class PackageWritten(StepResult):
    """The complete package: its folder, its file names, its disks, and the bytes of all disks."""

    package: str
    files: list[str]
    size: int
    disks: list[PackageFile]
    missing: int
    """How many disks the lease did not offer."""
    warnings: list[str] = Field(default_factory=list)
    """What is not as it should be, although every disk is there."""
    saved_with: str = ""
    """The save profile that has the disks; empty when they are in the folder."""
    added_bytes: int | None = None
    """Bytes that the disks added to the store; None when it does not report them."""
    deduplication: float | None = None
    """How many bytes of disks one added byte stands for."""


class SnapshotRemoved(StepResult):
    """Whether the snapshot is gone, and whether its disks are consolidated."""

    removed: bool
    consolidated: bool
