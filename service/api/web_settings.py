"""The settings of the web side of the service: its address for people, TLS, proxies, limits and metrics."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import Field, field_validator

from service.api.config_lines import Key
from service.api.settings_source import DEFAULT_DATA_DIR
from service.api.typed_settings import HttpUrl, TypedSettings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class WebSettings(TypedSettings):
    """How the service is reached, and how much one client may ask."""

    data_dir: Path = Field(
        default=Path(DEFAULT_DATA_DIR),
        alias="VMKOPS_DATA_DIR",
        description="The folder of databases, backups, exports and imported tables.",
    )
    public_url: HttpUrl | None = Field(
        default=None,
        alias="VMKOPS_PUBLIC_URL",
        description="The address of the service for people, such as `https://vmkops.example.com`. Links in Slack lead "
        "there.",
    )
    allowed_hosts: frozenset[str] = Field(
        default=frozenset(),
        alias="VMKOPS_ALLOWED_HOSTS",
        description="Other names under which the service answers, such as `vmkops vmkops.lab`. Callers with a token, "
        "and IP addresses, are always answered.",
    )
    trusted_proxies: tuple[Network, ...] = Field(
        default=(),
        alias="VMKOPS_TRUSTED_PROXIES",
        description="The addresses or networks of your reverse proxies, such as `127.0.0.1 10.0.0.0/24`. From them, "
        "the service believes `X-Forwarded-For`.",
    )
    tls_cert: Path | None = Field(
        default=None,
        alias="VMKOPS_TLS_CERT",
        description="The certificate of the service with its chain, in a PEM file; the service then speaks HTTPS. "
        "A renewed file is read without a restart.",
    )
    tls_key: Path | None = Field(
        default=None,
        alias="VMKOPS_TLS_KEY",
        description="The private key of that certificate, in a PEM file without a passphrase.",
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        alias="VMKOPS_METRICS_PORT",
        description="A port of its own for `/metrics`, on the same address and without a token, so limit who reaches "
        "it. The path is then missing from the main port.",
    )
    metrics_vm_names: bool = Field(
        default=False,
        alias="VMKOPS_METRICS_VM_NAMES",
        description="`true`: the port in `VMKOPS_METRICS_PORT` shows names of VMs too.",
    )
    rate_limit: int = Field(
        default=3000,
        ge=0,
        alias="VMKOPS_RATE_LIMIT",
        description="How many requests a token, or an address without a token, may make in a minute; `0` sets no "
        "limit. Remembered answers do not count.",
    )
    max_connections: int = Field(
        default=1000,
        ge=10,
        le=100_000,
        alias="VMKOPS_MAX_CONNECTIONS",
        description="How many connections are open at a time. One address may have a quarter of them, unless it is a "
        "trusted proxy.",
    )

    @field_validator("allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _names(cls, value: frozenset[str]) -> frozenset[str]:
        if wrong := sorted(each for each in value if not re.fullmatch(r"[\w.-]+", each)):
            raise ValueError(f"{wrong[0]!r} is not a host name. List names only, such as vmkops.example.com.")
        return frozenset(each.lower().rstrip(".") for each in value)

    @field_validator("public_url")
    @classmethod
    def _no_slash(cls, value: str | None) -> str | None:
        return value and value.rstrip("/")

    @field_validator("tls_cert", "tls_key")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                value.read_bytes()
            except OSError as error:
                raise ValueError(f"{value} cannot be read ({error.strerror}). Correct the path or its mode.") from None
        return value

    @classmethod
    def contradictions(cls, values: Mapping[str, object]) -> Iterator[tuple[Key, str]]:
        """A certificate without its private key, or a key without its certificate."""
        pair = ("VMKOPS_TLS_CERT", "VMKOPS_TLS_KEY")
        missing = [name for name in pair if name not in values]
        if len(missing) == 1:
            yield (missing[0],), "is missing: TLS needs the certificate and its private key."
        yield from super().contradictions(values)
