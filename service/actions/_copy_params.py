"""The parameters of the actions that copy a VM, or files of it, from a snapshot: `backup` and `mount`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from service.actions._vm import VmParams
from service.backups.size import WINDOW

FILE, FULLVM = "file", "fullvm"
NEEDS_FILES = "paths are possible with type=file only: fullvm has whole disks"


class CopyVm(VmParams):
    """Which VM to copy while it runs, whole or only files of it, and how."""

    quiesce: Literal["prefer", "require", "none"] = Field(
        default="prefer",
        description="Whether the guest flushes its file systems first: prefer asks it if it can, require refuses the "
        "job if it cannot, and none does not ask.",
    )
    within: str = Field(
        default="",
        pattern=WINDOW,
        examples=["90m", "6h", "2d"],
        description="The job is refused if it cannot end within this time, such as 90m, 6h or 2d. vmkops judges by "
        "the rates that it measured in earlier copies.",
    )
    until: str = Field(
        default="",
        max_length=40,
        description="The job is refused if it cannot end by this time, such as 2026-03-01T06:00:00Z. With `within`, "
        "vmkops computes it.",
    )
    type: Literal["fullvm", "file"] = "fullvm"
    paths: str = Field(
        default="",
        max_length=8192,
        examples=["/etc,/var/lib/app"],
        description="With the type `file`, only these files and folders of the guest, with commas between them; "
        r"`\x2c` is a comma in a name.",
    )

    @field_validator("until")
    @classmethod
    def _time(cls, value: str) -> str:
        if value and datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("must have a time zone, such as 2026-03-01T06:00:00Z")
        return value

    @model_validator(mode="after")
    def _paths_of_files(self) -> Self:
        if self.paths and self.type != FILE:
            raise ValueError(NEEDS_FILES)
        return self
