"""The copy targets: where further copies of backups go, from the tables `[copy.NAME]` of vmkops.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from service.api.config_file import COPY
from service.api.config_lines import Key
from service.api.mistakes import no_such_table
from service.api.redaction import redact
from service.api.settings_source import DEFAULT_DATA_DIR
from service.api.typed_settings import TableName, TypedSettings

KEEP = re.compile(r"[1-9][0-9]{0,3}[dwm]?(,[1-9][0-9]{0,3}[dwm]?)*")
"""What to keep, such as `7d,4w,6m`."""
REMOTE = re.compile(r"[\w.+@][\w.+@ -]*:[^\0-\x1f]*")
"""A remote of rclone.conf and the path in it; an option of the program or a remote without a name is none."""


class CopyTable(BaseModel):
    """One table `[copy.NAME]` of vmkops.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["rclone", "directory"]
    remote: str = ""
    config_file: Path | None = None
    program: str = ""
    path: Path | None = None
    keep: str = ""
    seconds: int = Field(default=86_400, ge=10, le=30 * 86_400)
    idle_seconds: int = Field(default=600, ge=5, le=86_400)

    @field_validator("keep")
    @classmethod
    def _policy(cls, value: str) -> str:
        if value and not KEEP.fullmatch(value.replace(" ", "")):
            raise ValueError(
                "does not say what to keep. Write days, weeks and months, such as 7d,4w,6m; a plain number is how many "
                "of the newest to keep."
            )
        return value

    @field_validator("remote")
    @classmethod
    def _named(cls, value: str) -> str:
        if value and not REMOTE.fullmatch(value):
            raise ValueError("is no remote of rclone.conf. Write its name, a colon and the path, as in offsite:bucket.")
        return value.rstrip("/") if not value.endswith(":/") else value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "directory":
            if self.path is None:
                raise ValueError("needs path: the directory that the copies go to.")
            if not self.path.is_absolute():
                raise ValueError("has a path that is not absolute. Write it from / on.")
            if self.remote or self.config_file or self.program:
                raise ValueError('has kind = "directory", which takes no remote, config_file and program.')
            return self
        if self.path is not None:
            raise ValueError('has kind = "rclone", which takes no path. Write it in remote, after the colon.')
        if not self.remote:
            raise ValueError("needs remote: a name in rclone.conf, a colon and the path, as in offsite:bucket/vms.")
        if self.config_file is None:
            raise ValueError("needs config_file: the rclone.conf that has the remote.")
        return self


class CopyTarget(NamedTuple):
    """A copy target with its name."""

    name: str
    table: CopyTable

    @property
    def where(self) -> str:
        """Where the copies go, for people."""
        return str(self.table.path) if self.table.kind == "directory" else f"rclone, {redact(self.table.remote)}"


class CopySettings(TypedSettings):
    """Where further copies of backups go."""

    copy_to: tuple[str, ...] = Field(
        default=(),
        alias="VMKOPS_COPY_TO",
        description="The copy targets that each backup is copied to when it has ended well: the names of tables "
        "`[copy.NAME]` of `vmkops.toml`, such as `nas offsite`. Each copy is a job of its own.",
    )
    copy_tables: dict[TableName, CopyTable] = Field(default={}, alias="copy")

    @field_validator("copy_to", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        names = value.replace(",", " ").split() if isinstance(value, str) else value
        if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
            return tuple(dict.fromkeys(names))
        return names

    def copy_targets(self) -> dict[str, CopyTarget]:
        """Every copy target by its name."""
        return {name: CopyTarget(name, table) for name, table in self.copy_tables.items()}

    @classmethod
    def contradictions(cls, values: Mapping[str, object]) -> Iterator[tuple[Key, str]]:
        """A default target that does not exist, one in the data directory, or an rclone.conf that cannot be read."""
        tables = values.get(COPY)
        known = tables if isinstance(tables, dict) else {}
        wanted = values.get("VMKOPS_COPY_TO") or ()
        wanted = wanted.replace(",", " ").split() if isinstance(wanted, str) else wanted
        for name in wanted if isinstance(wanted, (list, tuple)) else ():
            if isinstance(name, str) and name not in known:
                yield ("VMKOPS_COPY_TO",), no_such_table(name, "copy target", COPY, known)
        data = Path(str(values.get("VMKOPS_DATA_DIR") or DEFAULT_DATA_DIR)).resolve()
        for name, table in known.items():
            place = table.get("path") if isinstance(table, dict) else None
            if isinstance(place, str) and place and Path(place).resolve().is_relative_to(data):
                words = f"{place} is in the data directory, which has the backups themselves. Choose another one."
                yield (COPY, name, "path"), words
            path = table.get("config_file") if isinstance(table, dict) else None
            if isinstance(path, str) and path and not os.access(path, os.R_OK):
                words = f"{path} cannot be read. Create it for the user of the service, or correct the path."
                yield (COPY, name, "config_file"), words
        yield from super().contradictions(values)
