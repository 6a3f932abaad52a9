"""The settings of the service."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from service.api.config_file import VCENTERS
from service.api.config_lines import Key
from service.api.copy_settings import CopySettings
from service.api.limit_settings import LimitSettings
from service.api.mount_settings import MountSettings
from service.api.save_settings import SaveSettings
from service.api.typed_settings import LogSettings, PemFile, TableName
from service.api.vcenter import CALL_SECONDS, DEFAULT, LEAST_SECONDS, Url, VCenter, VCenterTable, password_problem
from service.api.web_settings import WebSettings


class Settings(WebSettings, LimitSettings, SaveSettings, CopySettings, MountSettings, LogSettings):
    """Everything the service reads from outside."""

    database_url: SecretStr | None = Field(
        default=None,
        alias="VMKOPS_DATABASE_URL",
        description="A PostgreSQL database (`postgresql://...`) that lets several processes on several machines share "
        "the jobs. Without it, SQLite in the data directory. To another machine, the connection is encrypted and the "
        "certificate checked; add `?sslrootcert=/path/to/ca.pem` to the URL, or choose another `sslmode`.",
    )
    vcenter_url: Url | None = Field(
        default=None,
        alias="VMKOPS_VCENTER_URL",
        description="The address of the vCenter, or of a stand-alone host.",
    )
    vcenter_user: str | None = Field(
        default=None,
        alias="VMKOPS_VCENTER_USER",
        description="The account that vmkops signs in with.",
    )
    vcenter_password: SecretStr | None = Field(
        default=None,
        alias="VMKOPS_VCENTER_PASSWORD",
        description="Its password.",
    )
    vcenter_ca_file: PemFile | None = Field(
        default=None,
        alias="VMKOPS_VCENTER_CA_FILE",
        description="The CA of the certificate of the vCenter, in a PEM file.",
    )
    vcenter_insecure: bool = Field(
        default=False,
        alias="VMKOPS_VCENTER_INSECURE",
        description="`true` skips the check of the certificate, for a lab.",
    )
    vcenter_seconds: int = Field(
        default=CALL_SECONDS,
        ge=LEAST_SECONDS,
        alias="VMKOPS_VCENTER_SECONDS",
        description="How long one call to vCenter may take, in seconds.",
    )
    vcenter_tables: dict[TableName, VCenterTable] = Field(default={}, alias="vcenters")
    procedures_dir: Path | None = Field(
        default=None,
        alias="VMKOPS_PROCEDURES_DIR",
        description="A folder with your team's own procedures; changes are picked up without a restart.",
    )
    lookups_public: bool = Field(
        default=True,
        alias="VMKOPS_LOOKUPS_PUBLIC",
        description="`false`: lookups also need a token.",
    )
    pre_freeze: str | None = Field(
        default=None,
        alias="VMKOPS_PRE_FREEZE",
        description="Your own shell command before the snapshot of a backup; it gets `VMKOPS_VM_NAME`, "
        "`VMKOPS_VM_UUID`, `VMKOPS_VM_MOREF` and `VMKOPS_VM_VCENTER`.",
    )
    post_thaw: str | None = Field(
        default=None,
        alias="VMKOPS_POST_THAW",
        description="Your own shell command after the snapshot of a backup, with the same variables.",
    )
    max_jobs: int = Field(
        default=8,
        ge=1,
        le=100,
        alias="VMKOPS_MAX_JOBS",
        description="How many jobs run at a time, in all processes together; set the same value everywhere.",
    )
    max_copies: int = Field(
        default=4,
        ge=1,
        le=100,
        alias="VMKOPS_MAX_COPIES",
        description="How many disks are copied at a time from one host or datastore, in all processes together.",
    )
    reap_seconds: float = Field(
        default=300,
        ge=1,
        alias="VMKOPS_REAP_SECONDS",
        description="How often vmkops cleans up what dead jobs left, in seconds.",
    )
    parallel_disks: int = Field(
        default=2,
        ge=1,
        le=16,
        alias="VMKOPS_PARALLEL_DISKS",
        description="How many disks of one VM are copied at a time.",
    )
    slack_operators: frozenset[str] = Field(
        default=frozenset(),
        alias="VMKOPS_SLACK_OPERATORS",
        description="The IDs of the Slack users who may start and cancel host actions, such as `U012AB3CD U045EF6GH`. "
        "Set the same value on every process.",
    )
    report_channels: frozenset[str] = Field(
        default=frozenset(),
        alias="VMKOPS_REPORT_CHANNELS",
        description="The only Slack channels that `report_to` may name, by name or ID, such as `#ops C012AB3CD`; "
        "without it, any channel. A schedule with another channel goes on without its reports.",
    )
    signing_key: Path | None = Field(
        default=None,
        alias="VMKOPS_SIGNING_KEY",
        description="The Ed25519 key in a PEM file that signs backups; without it, one that the first start makes in "
        "`signing` in the data directory.",
    )
    require_signatures: bool = Field(
        default=False,
        alias="VMKOPS_REQUIRE_SIGNATURES",
        description="Whether backups without a signature are refused, also those that were made before vmkops signed "
        "them.",
    )
    imports_dir: Path | None = Field(
        default=None,
        alias="VMKOPS_IMPORTS_DIR",
        description="The folder with the packages that `import-ovf` may import; without it, `imports` in the data "
        "directory.",
    )
    import_hosts: frozenset[str] = Field(
        default=frozenset(),
        alias="VMKOPS_IMPORT_HOSTS",
        description="Your own web servers in the internal network that packages may be imported from, such as "
        "`images.example.com`.",
    )
    import_hosts_only: bool = Field(
        default=False,
        alias="VMKOPS_IMPORT_HOSTS_ONLY",
        description="Whether packages may be imported only from the hosts in `VMKOPS_IMPORT_HOSTS`. With an empty "
        "list, no URL is fetched at all.",
    )
    import_ports: frozenset[Annotated[int, Field(ge=1, le=65535)]] = Field(
        default=frozenset({443}),
        alias="VMKOPS_IMPORT_PORTS",
        description="The TCP ports from which packages are fetched, such as `443 8443`; redirects to other ports are "
        "refused too.",
    )
    import_ca_file: PemFile | None = Field(
        default=None,
        alias="VMKOPS_IMPORT_CA_FILE",
        description="The CA of the certificates of those web servers, trusted in addition to the CAs of the system.",
    )
    schedule_seconds: int = Field(
        default=300,
        ge=1,
        le=86400,
        alias="VMKOPS_SCHEDULE_SECONDS",
        description="The shortest time between two firings of a schedule, in seconds.",
    )
    max_schedules: int = Field(
        default=500,
        ge=1,
        le=100_000,
        alias="VMKOPS_MAX_SCHEDULES",
        description="How many schedules there may be; more are refused.",
    )
    max_fleets: int = Field(
        default=20,
        ge=1,
        le=1000,
        alias="VMKOPS_MAX_FLEETS",
        description="How many fleets may be under way at a time, in all processes together; more are refused.",
    )
    job_retention_days: int = Field(
        default=400,
        ge=1,
        le=36500,
        alias="VMKOPS_JOB_RETENTION_DAYS",
        description="How many days the record of a job is kept after the job has ended. Backups stay.",
    )

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql://. Leave it out to use SQLite in VMKOPS_DATA_DIR.")
        return value

    @field_validator("import_hosts")
    @classmethod
    def _hosts(cls, value: frozenset[str]) -> frozenset[str]:
        # A name, or an IPv6 address; one colon would be a port.
        if wrong := sorted(each for each in value if not re.fullmatch(r"[\w.-]+", each) and each.count(":") < 2):
            raise ValueError(f"{wrong[0]!r} is not a host name. List names only, such as images.example.com.")
        return frozenset(each.lower().rstrip(".") for each in value)

    @field_validator("imports_dir")
    @classmethod
    def _exists(cls, value: Path | None) -> Path | None:
        if value is not None and not value.exists():
            raise ValueError(f"{value} does not exist. Create it, or correct the path.")
        return value

    @field_validator("slack_operators", "report_channels", "import_hosts", "import_ports", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, int):  # one port in vmkops.toml
            return frozenset({value})
        return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("report_channels")
    @classmethod
    def _channels(cls, value: frozenset[str]) -> frozenset[str]:
        return frozenset(each if each.startswith("#") or each[:1].isupper() else f"#{each}" for each in value)

    @field_validator("procedures_dir")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"there is no folder {value}. Create it, or name the folder with your team's pages.")
        return value

    def takes_report(self, channel: str) -> bool:
        """Whether a report may go to this Slack channel, a name such as `#ops` or an ID."""
        return not self.report_channels or channel in self.report_channels

    @property
    def postgres_url(self) -> str | None:
        """The shared database, or None when this process keeps its own SQLite files."""
        return self.database_url.get_secret_value() if self.database_url else None

    @property
    def backups_dir(self) -> Path:
        """Where backup packages are kept; absolute, because people read it elsewhere than where the service runs."""
        return (self.data_dir / "backups").absolute()

    @property
    def exports_dir(self) -> Path:
        """Where exported packages are put; absolute too."""
        return (self.data_dir / "exports").absolute()

    @property
    def inbox(self) -> Path:
        """The folder with the packages that `import-ovf` may import."""
        return self.imports_dir or self.data_dir / "imports"

    @property
    def downloads_dir(self) -> Path:
        """Where packages from a URL are stored while they are imported."""
        return self.data_dir / "downloads"

    @property
    def mounts_dir(self) -> Path:
        """Where `mount` stages packages, each in a folder of its own."""
        return (self.mount_dir or self.data_dir / "mounts").absolute()

    def vcenters(self) -> tuple[VCenter, ...]:
        """Every vCenter and stand-alone host, the one of VMKOPS_VCENTER_URL first; empty when none is set."""
        tables = tuple(VCenter.of_table(name, table) for name, table in self.vcenter_tables.items())
        if self.vcenter_url is None or self.vcenter_user is None or self.vcenter_password is None:
            return tables
        first = VCenter(
            url=self.vcenter_url,
            user=self.vcenter_user,
            password=self.vcenter_password,
            ca_file=self.vcenter_ca_file,
            insecure=self.vcenter_insecure,
            seconds=self.vcenter_seconds,
        )
        return (first, *tables)

    @classmethod
    def contradictions(cls, values: Mapping[str, object]) -> Iterator[tuple[Key, str]]:
        """An incomplete vCenter, two with one name, or a table without one usable password."""
        names = [f"VMKOPS_VCENTER_{each}" for each in ("URL", "USER", "PASSWORD")]
        missing = [name for name in names if name not in values]
        if 0 < len(missing) < len(names):
            what = f"The vCenter settings are incomplete; missing: {', '.join(missing)}"
            yield (missing[0],), f"{what}. Set what is missing, or remove the others."
        tables = values.get(VCENTERS)
        for name, table in tables.items() if isinstance(tables, dict) else ():
            if name == DEFAULT and not missing:
                yield (VCENTERS, name), "is the name of the vCenter in VMKOPS_VCENTER_URL. Choose another name."
            if isinstance(table, dict) and (problem := password_problem(table)):
                yield (VCENTERS, name, *filter(None, problem[:1])), problem[1]
        yield from super().contradictions(values)


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the service in this environment and in `vmkops.toml`; raises SettingError."""
    return Settings.read(environ)
