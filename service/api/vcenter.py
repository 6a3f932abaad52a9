"""How to reach one vCenter or stand-alone host: from the settings of the one, or a table `[vcenters.NAME]` each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from service.api.settings_source import read_secret_file
from service.api.typed_settings import PemFile, check_port
from service.errors import SettingError

DEFAULT = "default"
"""The name of the vCenter that VMKOPS_VCENTER_URL names; the others have the name of their table."""
CALL_SECONDS = 120
LEAST_SECONDS = 25
"""A call that waits for news of the inventory stays open for up to twenty seconds when nothing is wrong."""
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


def https_url(value: str) -> str:
    """The address with its scheme; raises ValueError for what is not an https address."""
    url = value if "://" in value else f"https://{value}"
    parts = urlsplit(url)
    if parts.scheme == "http":
        raise ValueError("begins with http://, but vCenter answers over https only. Write https:// instead.")
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("is not the address of a vCenter. Write it like https://vcenter.example.com.")
    check_port(url)
    return url


Url = Annotated[str, AfterValidator(https_url)]


class VCenterTable(BaseModel):
    """One table `[vcenters.NAME]` of vmkops.toml; the password may be in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Url
    user: str = Field(min_length=1)
    password: SecretStr | None = None
    password_file: Path | None = None
    ca_file: PemFile | None = None
    insecure: bool = False
    seconds: int = Field(default=CALL_SECONDS, ge=LEAST_SECONDS)

    def secret(self) -> SecretStr:
        """The password, wherever it is kept; raises SettingError when its file cannot be used."""
        if self.password is not None:
            return self.password
        return SecretStr(read_secret_file("password_file", str(self.password_file)))


def password_problem(table: Mapping[str, object]) -> tuple[str, str] | None:
    """What is wrong with how a table has its password: the key, which may be empty, and the words; None when good."""
    given = [each for each in ("password", "password_file") if table.get(each) not in (None, "")]
    if len(given) != 1:
        both = "are both set. Keep one of them." if given else "are both missing. Set one of them."
        return "", f"password and password_file {both}"
    path = table[given[0]]
    if given == ["password_file"] and isinstance(path, str):
        try:
            read_secret_file("password_file", path)
        except SettingError as error:
            return "password_file", error.explanation
    return None


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
