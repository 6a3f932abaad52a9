"""Settings as typed values: what every model of settings shares, and what a client of the service needs."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from service.api.config_file import VCENTERS
from service.api.config_lines import Key
from service.api.problem_words import in_words
from service.api.settings_reading import read_all
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

    @property
    def token(self) -> str | None:
        """The token in plain text, for the client alone."""
        return self.service_token.get_secret_value() if self.service_token else None


def _explain(error: ValidationError) -> Iterator[tuple[Key, str]]:
    """The key of each wrong setting, and what is wrong with it."""
    for item in error.errors(include_input=False, include_url=False):
        first, *rest = (str(part) for part in item["loc"])
        # Below a setting of its own are the places in a list; below a table, its keys.
        key = (first, *(part for part in rest if part != "[key]")) if item["loc"][0] == VCENTERS else (first,)
        yield key, in_words(item)
