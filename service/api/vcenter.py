"""How to reach one vCenter or stand-alone host: from the settings of the one, or a table `[vcenters.NAME]` each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

DEFAULT = "default"
"""The name of the vCenter that VMKOPS_VCENTER_URL names; the others have the name of their table."""
CALL_SECONDS = 120
LEAST_SECONDS = 25
"""A question that waits for news may stay open for twenty seconds when all is well."""
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


def https_url(value: str) -> str:
    """The address with its scheme; raises ValueError for what is not an https address."""
    url = value if "://" in value else f"https://{value}"
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("give the address of a vCenter, like https://vcenter.example.com")
    return url


def pem_file(value: Path) -> Path:
    """The file, if it is there; raises ValueError."""
    if not value.is_file():
        raise ValueError(f"there is no file {value}; name the PEM file with vCenter's CA certificate")
    return value


Url = Annotated[str, AfterValidator(https_url)]
PemFile = Annotated[Path, AfterValidator(pem_file)]


class VCenterTable(BaseModel):
    """One table `[vcenters.NAME]` of vmkops.toml; the password may be in a file of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Url
    user: str = Field(min_length=1)
    password: SecretStr | None = None
    password_file: Path | None = None
    ca_file: PemFile | None = None
    insecure: bool = False
    seconds: int = Field(default=CALL_SECONDS, ge=LEAST_SECONDS)

    @model_validator(mode="after")
    def _one_password(self) -> VCenterTable:
        if (self.password is None) == (self.password_file is None):
            raise ValueError("give either password or password_file")
        self.secret()
        return self

    def secret(self) -> SecretStr:
        """The password, wherever it is kept; raises ValueError when its file cannot be read."""
        if self.password is not None:
            return self.password
        assert self.password_file is not None
        try:
            return SecretStr(self.password_file.read_text("utf-8").strip())
        except OSError as error:
            raise ValueError(f"password_file names {self.password_file}, which cannot be read") from error


class VCenter(BaseModel):
    """One vCenter or stand-alone host, and who signs in there."""

    model_config = ConfigDict(frozen=True)

    name: str = DEFAULT
    url: str
    user: str
    password: SecretStr
    ca_file: Path | None = None
    insecure: bool = False
    seconds: int = CALL_SECONDS
    """How long one call may take."""

    @classmethod
    def of_table(cls, name: str, table: VCenterTable) -> VCenter:
        """The vCenter of a table."""
        plain = table.model_dump(include={"url", "user", "ca_file", "insecure", "seconds"})
        return cls(name=name, password=table.secret(), **plain)

    @property
    def host(self) -> str:
        """Host name or address, without the port."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """TCP port; 443 when the URL names none."""
        return urlsplit(self.url).port or 443

    def setting(self, key: str) -> str:
        """Where people set `url`, `user`, `password`, `ca_file` or `insecure` of this one."""
        return f"VMKOPS_VCENTER_{key.upper()}" if self.name == DEFAULT else f"{key} of [vcenters.{self.name}]"
