"""Settings as typed values: what every model of settings shares, and what a client of the service needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from service.api.settings_source import read_settings_of
from service.errors import SettingError

__all__ = ["ClientSettings", "HttpUrl", "LogSettings", "PemFile", "SettingError", "TypedSettings"]

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LogFormat = Literal["auto", "json", "text"]


class _Source(PydanticBaseSettingsSource):
    """The values of `service.api.settings_source` for the fields of one model, by their names in the environment."""

    def __init__(self, model: type[BaseSettings], environ: Mapping[str, str]) -> None:
        super().__init__(model)
        self._environ = environ

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """One field is never asked for by itself: `__call__` answers for all of them."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """Everything that is set."""
        names = [field.alias for field in self.settings_cls.model_fields.values() if field.alias]
        return read_settings_of(names, self._environ)


class TypedSettings(BaseSettings):
    """The base of every model of settings. A field's alias is the name of the setting; `read` makes the model."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The settings in this environment and in `vmkops.toml`; raises SettingError that names each wrong one."""
        try:
            return cls.model_validate({"environ": environ})
        except ValidationError as error:
            raise _explain(error) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The one source of vmkops, instead of those of pydantic-settings; none for a model made from values."""
        values = init_settings()
        return (_Source(settings_cls, values["environ"]),) if "environ" in values else (init_settings,)


def http_url(value: str) -> str:
    """The URL as it is; raises ValueError for what is not one of http or https."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not a URL. Write it in full, such as https://vmkops.example.com.")
    return value


def pem_file(value: Path) -> Path:
    """The file, if it exists; raises ValueError otherwise."""
    if not value.is_file():
        raise ValueError(f"there is no file {value}. Name the PEM file with the certificate of the CA.")
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


def _explain(error: ValidationError) -> SettingError:
    """Every wrong setting with what is wrong, in one error; values are not repeated."""
    found = []
    for item in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in item["loc"] if part != "[key]") or "settings"
        known = item["type"] != "extra_forbidden"
        found.append((name, item["msg"].removeprefix("Value error, ") if known else "is not a setting of this table."))
    (setting, first), *others = found
    return SettingError(setting, "; ".join([first, *(f"{name}: {problem}" for name, problem in others)]))
