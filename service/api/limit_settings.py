"""The settings of what files from outside may cost: processes, time, memory and disk space."""

from __future__ import annotations

import os

from pydantic import Field

from service.api.typed_settings import TypedSettings


class LimitSettings(TypedSettings):
    """How much the files that callers send, name or upload may cost."""

    parser_processes: int | None = Field(
        default=None,
        ge=1,
        le=64,
        alias="VMKOPS_PARSER_PROCESSES",
        description="How many processes read the files that callers send; without it, one for each processor and at "
        "least 2.",
    )
    send_seconds: int = Field(
        default=30,
        ge=1,
        le=3600,
        alias="VMKOPS_SEND_SECONDS",
        description="How long a client may read nothing of an answer that waits for it, such as a file of a backup, in "
        "seconds. Then its connection is closed.",
    )
    parser_seconds: int = Field(
        default=30,
        ge=1,
        le=3600,
        alias="VMKOPS_PARSER_SECONDS",
        description="How long reading one such file may take, in seconds.",
    )
    parser_memory: int = Field(
        default=1024,
        ge=256,
        alias="VMKOPS_PARSER_MEMORY",
        description="How much memory each of these processes may use, in MiB.",
    )
    keep_free: int = Field(
        default=1024,
        ge=64,
        alias="VMKOPS_KEEP_FREE",
        description="How much disk space backups, exports and imports leave free, for the databases and logs, in MiB.",
    )
    delta_room: int = Field(
        default=10,
        ge=1,
        le=100,
        alias="VMKOPS_DELTA_ROOM",
        description="How much room a datastore must have for the growing delta disk of a backup, in percent of what "
        "the VM takes there, and at least 1 GiB. A backup does not start with less, and stops at half of it.",
    )

    @property
    def processes(self) -> int:
        """How many parser processes there are: at least two, so that one slow file does not hold up the others."""
        return self.parser_processes or max(2, os.cpu_count() or 1)

    @property
    def parser_memory_bytes(self) -> int:
        """The memory of a parser process, in bytes."""
        return self.parser_memory << 20

    @property
    def keep_free_bytes(self) -> int:
        """The disk space that stays free, in bytes."""
        return self.keep_free << 20
