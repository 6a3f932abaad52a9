"""The save profiles: where backups go instead of into a folder, from the tables `[save.NAME]` of vmkops.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from service.api.config_file import SAVE
from service.api.config_lines import Key
from service.api.mistakes import no_such_table
from service.api.redaction import redact
from service.api.settings_source import read_secret_file
from service.api.typed_settings import TableName, TypedSettings
from service.errors import SettingError

NONE = "none"
"""What a request asks for to get a plain copy, whatever the default profile is."""
OWN = "command"
"""The name of the profile that VMKOPS_SAVE_COMMAND makes."""
Kind = Literal["restic", "borg", "tar", "command"]
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class SaveTable(BaseModel):
    """One table `[save.NAME]` of vmkops.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    repository: str = ""
    password_file: Path | None = None
    program: str = ""
    environment: dict[Variable, str] = {}
    environment_files: dict[Variable, Path] = {}
    command: str = ""
    restore: str = ""
    forget: str = ""
    seconds: int = Field(default=86_400, ge=10, le=30 * 86_400)
    idle_seconds: int = Field(default=600, ge=5, le=86_400)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "command":
            if not self.command:
                raise ValueError("needs command: what is run, with the disk on its standard input.")
            if self.repository or self.password_file or self.program:
                raise ValueError('has kind = "command", which takes no repository, password_file and program.')
            return self
        if self.command or self.restore or self.forget:
            raise ValueError(f'has kind = "{self.kind}": command, restore and forget belong to kind = "command".')
        if not self.repository:
            raise ValueError("needs repository: where the backups go.")
        if self.kind == "restic" and self.password_file is None:
            raise ValueError("needs password_file: the file with the password of the restic repository.")
        if self.kind == "tar" and self.password_file is not None:
            raise ValueError("has a password_file, but a tar archive is not encrypted. Remove it.")
        return self


class SaveProfile(BaseModel):
    """A save profile with its name and its secrets, ready to use."""

    model_config = ConfigDict(frozen=True)

    name: str
    table: SaveTable
    secrets: dict[str, SecretStr] = {}
    """The variables of `environment_files`, with what is in the files."""

    @property
    def where(self) -> str:
        """Where the backups go, for people, without the secret parts of URLs."""
        if self.table.kind == "command":
            return "your own command"
        return f"{self.table.kind}, {redact(self.table.repository)}"


class SaveSettings(TypedSettings):
    """Where backups go instead of into a folder."""

    save: str | None = Field(
        default=None,
        alias="VMKOPS_SAVE",
        description="The save profile that backups use when a request names none: the name of a table `[save.NAME]` "
        "of `vmkops.toml`. Without it, a backup is a folder in the data directory.",
    )
    save_command: str | None = Field(
        default=None,
        alias="VMKOPS_SAVE_COMMAND",
        description="Your own shell command that gets each disk of a backup on its standard input, instead of the copy "
        "into a folder: the save profile `command`, and the default if `VMKOPS_SAVE` is not set.",
    )
    save_tables: dict[TableName, SaveTable] = Field(default={}, alias="save")

    @property
    def default_save(self) -> str:
        """The name of the default profile; empty for a plain copy."""
        return self.save or (OWN if self.save_command else "")

    def save_profiles(self) -> dict[str, SaveProfile]:
        """Every save profile by its name; raises SettingError when a file of a secret cannot be read."""
        found = {}
        for name, table in self.save_tables.items():
            secrets = {
                variable: SecretStr(read_secret_file(f"{variable} of [save.{name}]", str(path)))
                for variable, path in table.environment_files.items()
            }
            found[name] = SaveProfile(name=name, table=table, secrets=secrets)
        if self.save_command:
            table = SaveTable(kind="command", command=self.save_command)
            found[OWN] = SaveProfile(name=OWN, table=table)
        return found

    @classmethod
    def contradictions(cls, values: Mapping[str, object]) -> Iterator[tuple[Key, str]]:
        """A default profile that does not exist, a name that is taken, or a file that cannot be read."""
        tables = values.get(SAVE)
        known = dict(tables) if isinstance(tables, dict) else {}
        if NONE in known:
            yield (SAVE, NONE), "is what a request asks for to save with no profile. Choose another name."
        if OWN in known and values.get("VMKOPS_SAVE_COMMAND"):
            yield (SAVE, OWN), "is the name of the profile of VMKOPS_SAVE_COMMAND. Choose another name."
        default = values.get("VMKOPS_SAVE")
        if values.get("VMKOPS_SAVE_COMMAND"):
            known[OWN] = {}
        if default and default not in known:
            yield ("VMKOPS_SAVE",), no_such_table(str(default), "save profile", SAVE, known)
        for name, table in known.items():
            yield from _unreadable(name, table)
        yield from super().contradictions(values)


def _unreadable(name: str, table: object) -> Iterator[tuple[Key, str]]:
    if not isinstance(table, dict):
        return
    files = table.get("environment_files")
    wanted = [("environment_files", each) for each in (files.values() if isinstance(files, dict) else ())]
    for key, path in [("password_file", table.get("password_file")), *wanted]:
        if isinstance(path, str) and path:
            try:
                read_secret_file(key, path)
            except SettingError as error:
                yield (SAVE, name, key), error.explanation
