"""Settings as typed values: what every model of settings shares, and what a client of the service needs."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from service.api.config_file import COPY, SAVE, SERVICES, VCENTERS
from service.api.config_lines import Key
from service.api.mistakes import explain_setting
from service.api.settings_reading import read_all
from service.api.settings_source import read_secret_file
from service.errors import SettingError

__all__ = ["ClientSettings", "HttpUrl", "LogSettings", "PemFile", "SettingError", "TypedSettings"]

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LogFormat = Literal["auto", "json", "text"]


class TypedSettings(BaseSettings):
    """The base of every model of settings. A field's alias is the name of the setting; `read` makes the model."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The settings in this environment and in `vmkops.toml`; raises SettingError that names each wrong one."""
        reading = read_all([field.alias for field in cls.model_fields.values() if field.alias], environ)
        wrong = dict(cls.contradictions({**reading.values, **dict.fromkeys(reading.failed, "")}))
        made = None
        try:
            made = cls.model_validate(reading.values)
        except ValidationError as error:
            wrong = {**dict(_explain(error)), **wrong}
        known = {*reading.failed, *(each.setting for each in reading.errors)}
        found = [SettingError(".".join(key), text, reading.place(key)) for key, text in wrong.items()]
        if made is None or found or reading.errors:
            raise SettingError.all_of([*reading.errors, *(each for each in found if each.setting not in known)])
        return made

    @classmethod
    def contradictions(cls, values: Mapping[str, object]) -> Iterator[tuple[Key, str]]:  # noqa: ARG003
        """What is wrong among several settings: the name of one, or the key in a table, and what is wrong with it.

        `values` has the settings by name as they are written, also those that are wrong by themselves.
        """
        yield from ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The values that `read` found, instead of the sources of pydantic-settings."""
        return (init_settings,)


def http_url(value: str) -> str:
    """The URL as it is; raises ValueError for what is not one of http or https."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not a URL. Write it in full, such as https://vmkops.example.com.")
    check_port(value)
    return value


def check_port(url: str) -> None:
    """Raise ValueError when the port in this URL cannot be one."""
    try:
        urlsplit(url).port  # noqa: B018 - the property raises
    except ValueError:
        raise ValueError("has a port that is none. Write a number from 1 to 65535 after the last colon.") from None


def pem_file(value: Path) -> Path:
    """The file, if it has certificates that can be read; raises ValueError otherwise."""
    try:
        ssl.create_default_context(cafile=str(value))
    except FileNotFoundError:
        raise ValueError(f"there is no file {value}. Name the PEM file with the certificate of the CA.") from None
    except ssl.SSLError:
        words = f"{value} has no certificate in PEM form. Name the file with the certificate of the CA"
        raise ValueError(f"{words}, which begins with -----BEGIN CERTIFICATE-----.") from None
    except OSError as error:
        raise ValueError(f"{value} cannot be read ({error.strerror}). Correct the path or its permissions.") from None
    return value


HttpUrl = Annotated[str, AfterValidator(http_url)]
PemFile = Annotated[Path, AfterValidator(pem_file)]
TableName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""The name of a table `[vcenters.NAME]` or `[services.NAME]`."""


class LogSettings(TypedSettings):
    """How the service and the bot log."""

    log_level: LogLevel = Field(
        default="INFO",
        alias="VMKOPS_LOG_LEVEL",
        description="The smallest level that the service and the bot log.",
    )
    log_format: LogFormat = Field(
        default="auto",
        alias="VMKOPS_LOG_FORMAT",
        description="`json`: each line of the log is a JSON object; `text`: for people; `auto`: text in a terminal, "
        "otherwise JSON.",
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


class ServiceTable(BaseModel):
    """One table `[services.NAME]` of vmkops.toml: a service that the command line can ask."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: HttpUrl
    token: SecretStr | None = None
    token_file: Path | None = None
    ca_file: PemFile | None = None

    def secret(self) -> str | None:
        """The token, wherever it is kept; raises SettingError when its file cannot be used."""
        if self.token_file is not None:
            return read_secret_file("token_file", str(self.token_file))
        return self.token.get_secret_value() if self.token else None


def token_problem(table: Mapping[str, object]) -> tuple[str, str] | None:
    """What is wrong with how a table `[services.NAME]` has its token: the key and the words; None when good."""
    path = table.get("token_file")
    if path and table.get("token"):
        return "token_file", "is set, and token too. Keep one of them."
    if isinstance(path, str):
        try:
            read_secret_file("token_file", path)
        except SettingError as error:
            return "token_file", error.explanation
    return None


class ClientSettings(TypedSettings):
    """Where the service is, and the token for it: for remote commands and the bot."""

    service_url: HttpUrl = Field(
        default="http://127.0.0.1:8080",
        alias="VMKOPS_SERVICE_URL",
        description="Where the service is, for the command line and for a bot that runs elsewhere (`vmkops bot`).",
    )
    service_ca_file: PemFile | None = Field(
        default=None,
        alias="VMKOPS_SERVICE_CA_FILE",
        description="The CA of the certificate of the service, in a PEM file, when it is not one of the CAs of the "
        "system.",
    )
    service_token: SecretStr | None = Field(
        default=None,
        alias="VMKOPS_TOKEN",
        description="The token for the service, from `vmkops token create`.",
    )

    profile: str | None = Field(
        default=None,
        alias="VMKOPS_PROFILE",
        description="Which of several services the command line asks: the name of a table `[services.NAME]` of "
        "`vmkops.toml`, or a URL; `--service` takes precedence.",
    )
    service_tables: dict[TableName, ServiceTable] = Field(default={}, alias="services")

    @classmethod
    def contradictions(cls, values: Mapping[str, object]) -> Iterator[tuple[Key, str]]:
        """A service whose token is set twice, or whose token file cannot be read."""
        tables = values.get(SERVICES)
        for name, table in tables.items() if isinstance(tables, dict) else ():
            if isinstance(table, dict) and (problem := token_problem(table)):
                yield (SERVICES, name, problem[0]), problem[1]

    @property
    def token(self) -> str | None:
        """The token in plain text, for the client alone."""
        return self.service_token.get_secret_value() if self.service_token else None


def _explain(error: ValidationError) -> Iterator[tuple[Key, str]]:
    """The key of each wrong setting, and what is wrong with it."""
    for item in error.errors(include_input=False, include_url=False):
        first, *rest = (str(part) for part in item["loc"])
        # Below a setting of its own are the places in a list; below a table, its keys.
        is_table = first in (VCENTERS, SERVICES, SAVE, COPY)
        key = (first, *(part for part in rest if part != "[key]")) if is_table else (first,)
        yield key, explain_setting(item)
