"""The settings of the service: the environment first, then `vmkops.toml`; read once into a frozen value."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from service.api.vcenter import CALL_SECONDS, DEFAULT, LEAST_SECONDS, NAME, PemFile, Url, VCenter, VCenterTable
from service.errors import SettingMissing

OF_OTHERS = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_API_URL",
    "VMKOPS_SERVICE_URL",
    "VMKOPS_TOKEN",
    "slack",
)
"""What the same file may hold for the bot and the command line."""
SECRETS = ("VMKOPS_VCENTER_PASSWORD", "VMKOPS_DATABASE_URL")


class Settings(BaseModel):
    """Everything the service reads from outside; a wrong or missing setting names itself."""

    model_config = ConfigDict(frozen=True)

    data_dir: Path = Field(default=Path("data"), alias="VMKOPS_DATA_DIR")
    database_url: SecretStr | None = Field(default=None, alias="VMKOPS_DATABASE_URL")
    vcenter_url: Url | None = Field(default=None, alias="VMKOPS_VCENTER_URL")
    vcenter_user: str | None = Field(default=None, alias="VMKOPS_VCENTER_USER")
    vcenter_password: SecretStr | None = Field(default=None, alias="VMKOPS_VCENTER_PASSWORD")
    vcenter_ca_file: PemFile | None = Field(default=None, alias="VMKOPS_VCENTER_CA_FILE")
    vcenter_insecure: bool = Field(default=False, alias="VMKOPS_VCENTER_INSECURE")
    vcenter_seconds: int = Field(default=CALL_SECONDS, ge=LEAST_SECONDS, alias="VMKOPS_VCENTER_SECONDS")
    vcenter_tables: dict[Annotated[str, Field(pattern=NAME)], VCenterTable] = Field(default={}, alias="vcenters")
    procedures_dir: Path | None = Field(default=None, alias="VMKOPS_PROCEDURES_DIR")
    lookups_public: bool = Field(default=True, alias="VMKOPS_LOOKUPS_PUBLIC")
    pre_freeze: str | None = Field(default=None, alias="VMKOPS_PRE_FREEZE")
    post_thaw: str | None = Field(default=None, alias="VMKOPS_POST_THAW")
    max_jobs: int = Field(default=8, ge=1, le=100, alias="VMKOPS_MAX_JOBS")
    max_copies: int = Field(default=4, ge=1, le=100, alias="VMKOPS_MAX_COPIES")
    reap_seconds: float = Field(default=300, ge=1, alias="VMKOPS_REAP_SECONDS")
    parallel_disks: int = Field(default=2, ge=1, le=16, alias="VMKOPS_PARALLEL_DISKS")
    slack_operators: frozenset[str] = Field(default=frozenset(), alias="VMKOPS_SLACK_OPERATORS")
    imports_dir: Path | None = Field(default=None, alias="VMKOPS_IMPORTS_DIR")
    import_hosts: frozenset[str] = Field(default=frozenset(), alias="VMKOPS_IMPORT_HOSTS")
    import_ca_file: Path | None = Field(default=None, alias="VMKOPS_IMPORT_CA_FILE")

    @field_validator("import_hosts")
    @classmethod
    def _hosts(cls, value: frozenset[str]) -> frozenset[str]:
        # A name, or an IPv6 address; one colon would be a port.
        if wrong := sorted(each for each in value if not re.fullmatch(r"[\w.-]+", each) and each.count(":") < 2):
            raise ValueError(f"{wrong[0]!r} is no host name; list names alone, like images.example.com")
        return frozenset(each.lower().rstrip(".") for each in value)

    @field_validator("imports_dir", "import_ca_file")
    @classmethod
    def _there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.exists():
            raise ValueError(f"there is no {value}; make it, or name what is there")
        return value

    @field_validator("slack_operators", "import_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("procedures_dir")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"there is no folder {value}; make it, or name the one with your team's pages")
        return value

    @property
    def postgres_url(self) -> str | None:
        """The shared database, or None when this process keeps its own SQLite files."""
        return self.database_url.get_secret_value() if self.database_url else None

    @property
    def backups_dir(self) -> Path:
        """Where backup packages are kept."""
        return self.data_dir / "backups"

    @property
    def exports_dir(self) -> Path:
        """Where exported packages are put."""
        return self.data_dir / "exports"

    @property
    def inbox(self) -> Path:
        """The folder below which packages to import are looked for."""
        return self.imports_dir or self.data_dir / "imports"

    @property
    def downloads_dir(self) -> Path:
        """Where packages wait that are fetched from a URL, for as long as their import takes."""
        return self.data_dir / "downloads"

    def vcenters(self) -> tuple[VCenter, ...]:
        """Every vCenter and stand-alone host, the one of VMKOPS_VCENTER_URL first; raises SettingMissing.

        None at all is no error here: the look-ups need none.
        """
        tables = tuple(VCenter.of_table(name, table) for name, table in self.vcenter_tables.items())
        values = {"url": self.vcenter_url, "user": self.vcenter_user, "password": self.vcenter_password}
        if all(value is None for value in values.values()):
            return tables
        if missing := [f"VMKOPS_VCENTER_{key.upper()}" for key, value in values.items() if value is None]:
            raise SettingMissing(
                f"The vCenter is set by halves: {', '.join(missing)} lacks. Set it (in the environment or vmkops.toml)."
            )
        if DEFAULT in self.vcenter_tables:
            raise SettingMissing(f"[vcenters.{DEFAULT}] is the name of the one in VMKOPS_VCENTER_URL; choose another.")
        ways = {"ca_file": self.vcenter_ca_file, "insecure": self.vcenter_insecure, "seconds": self.vcenter_seconds}
        return (VCenter.model_validate({**values, **ways}), *tables)


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment, then the file that VMKOPS_CONFIG names (default `vmkops.toml` if it is there).

    Raises SettingMissing with the setting's name and the mend; values of secrets are never repeated.
    """
    values: dict[str, Any] = _file_values(environ)
    names = [field.alias for field in Settings.model_fields.values() if field.alias]
    values.update({name: environ[name] for name in names if environ.get(name)})
    for name in SECRETS:
        if secret_file := environ.get(f"{name}_FILE"):
            values[name] = _secret(name, secret_file)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingMissing(_explain(error)) from None
    url = settings.postgres_url
    if url and not url.startswith(("postgresql://", "postgres://")):
        raise SettingMissing(
            "VMKOPS_DATABASE_URL must begin with postgresql:// ; leave it out to use SQLite in VMKOPS_DATA_DIR."
        )
    return settings


def _file_values(environ: Mapping[str, str]) -> dict[str, Any]:
    path = Path(environ.get("VMKOPS_CONFIG") or "vmkops.toml")
    if not path.is_file():
        if environ.get("VMKOPS_CONFIG"):
            raise SettingMissing(f"VMKOPS_CONFIG names {path}, and there is no such file.")
        return {}
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingMissing(f"{path} cannot be read as TOML: {error}") from error
    known = [*(field.alias for field in Settings.model_fields.values() if field.alias), *OF_OTHERS]
    for name in values.keys() - set(known):
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise SettingMissing(f"{path} has a setting that vmkops does not know: {name}{hint}")
    return values


def _secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise SettingMissing(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in item["loc"] if part != "[key]") or "settings"
        lines.append(f"{name}: {item['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)
