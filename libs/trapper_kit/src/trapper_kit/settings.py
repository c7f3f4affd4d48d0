"""Settings of a service: read once, when it starts, from the environment and from files of secrets, and checked."""

import ipaddress
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from trapper_schemas.certificates import certificate_problem
from trapper_schemas.problem import field_message
from trapper_schemas.urls import REDIS, check_url

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]/]+):\d{1,5}")
_SECRETS = Path("/run/secrets")


class SettingsRefused(ValueError):  # noqa: N818 - named after what is the case
    """The environment is not valid; the message names the variable."""


class Intervals(BaseModel):
    """Seconds of pauses and limits; a service adds its own. Tests run everything at 1/50."""

    sweep: float = Field(default=5.0, gt=0, description="between two looks for rows that nobody worked on")
    lock: float = Field(default=2.0, gt=0, description="between two attempts to become the process that sweeps")
    redelivery: float = Field(default=15.0, gt=0, description="after which a dead process's messages come back")
    max_backoff: float = Field(default=60.0, gt=0, description="longest pause between two tries of an actor")

    def scaled(self, factor: float) -> Self:
        """Returns all of them multiplied."""
        return type(self)(**{name: value * factor for name, value in self.model_dump().items()})


METRICS_NETWORKS = ("127.0.0.0/8", "::1/128")


class ConnectionLimits(BaseModel):
    """Limits of connections to a web process."""

    total: int = Field(default=8_000, ge=1, description="connections at once; never more than open files allow")
    per_address: int = Field(default=2_000, ge=1, description="connections at once from one address that is no proxy")
    header_bytes: int = Field(default=32_768, ge=1_024, description="request line and headers together")
    header_seconds: float = Field(default=10.0, gt=0, description="from the connection to the end of the headers")
    body_seconds: float = Field(default=30.0, gt=0, description="after which the speed of a body is measured again")
    body_bytes_per_second: int = Field(default=100, ge=1, description="a body that comes slower is ended")
    write_seconds: float = Field(default=60.0, gt=0, description="for a caller that does not read its reply")
    keep_alive_seconds: int = Field(default=5, ge=1, description="an idle connection stays open for so long")


class ServiceSettings(BaseSettings):
    """Settings of every service; nested values are written PREFIX_GROUP__FIELD."""

    model_config = SettingsConfigDict(env_nested_delimiter="__", extra="ignore", frozen=True)

    log_level: str = Field(
        default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$", description="what is worth a line in the log"
    )
    redis_url: SecretStr | None = Field(default=None, description="inner queue; without it everything is swept")
    notifications_redis_url: SecretStr | None = Field(
        default=None, description="notifications between services; without it all poll"
    )
    allowed_addresses: list[str] = Field(
        default_factory=list, description="private or loopback networks that may be called, as CIDR"
    )

    metrics_networks: list[str] = Field(
        default_factory=lambda: list(METRICS_NETWORKS), description="who may read /metrics, as CIDR; default: loopback"
    )
    trusted_proxies: list[str] = Field(
        default_factory=list, description="proxies whose X-Forwarded-For and -Proto are believed, as CIDR"
    )
    connections: ConnectionLimits = Field(default_factory=ConnectionLimits)

    @field_validator("redis_url", "notifications_redis_url", mode="after")
    @classmethod
    def _redis_address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        if url.get_secret_value().startswith("unix:///"):
            return url
        try:
            check_url(url.get_secret_value(), schemes=REDIS, credentials=True)
        except ValueError:  # whose message may have a part of the password in it
            raise ValueError("expected an address such as redis://user:password@host:6379/0, percent-encoded") from None
        return url

    @field_validator("allowed_addresses", "trusted_proxies", "metrics_networks", mode="after")
    @classmethod
    def _cidr(cls, cidrs: list[str]) -> list[str]:
        for cidr in cidrs:
            ipaddress.ip_network(cidr)
        return cidrs

    @classmethod
    def from_environment(cls, **changes: Any) -> Self:
        """Read and check; raises SettingsRefused for an unknown or malformed variable, naming it."""
        if (reason := certificate_problem()) is not None:
            raise SettingsRefused(reason)
        _refuse_unknown(cls)
        try:
            return cls(_secrets_dir=secrets_directories() or None, **changes)  # type: ignore[call-arg]  # pydantic's own
        except ValidationError as problem:
            prefix = cls.model_config.get("env_prefix", "")
            lines = [
                f"{prefix}{'__'.join(str(part) for part in error['loc']).upper()}: {field_message(error)}"
                for error in problem.errors(include_input=False, include_url=False)
            ]
            raise SettingsRefused("; ".join(lines)) from None
        except SettingsError as problem:  # of a list or a group of values that is no JSON
            name = str(problem).partition('"')[2].partition('"')[0]
            prefix = cls.model_config.get("env_prefix", "")
            raise SettingsRefused(f'{prefix}{name.upper()}: expected JSON, such as ["one", "two"]') from None


def secrets_directories() -> list[Path]:
    """The folders whose files are settings, each named like its variable in small letters: Docker's and systemd's."""
    folders = [_SECRETS, Path(os.environ.get("CREDENTIALS_DIRECTORY") or _SECRETS)]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def read_setting(variable: str) -> str | None:
    """One setting from the environment or its file, for what runs without a settings class; None when it is absent."""
    for folder in secrets_directories():
        with suppress(FileNotFoundError):
            return os.environ.get(variable) or (folder / variable.lower()).read_text("utf-8").strip()
    return os.environ.get(variable)


class BackgroundSettings(ServiceSettings):
    """Settings of a service with a task process."""

    task_threads: int = Field(default=4, ge=1, le=64, description="messages worked on at once by one task process")
    tasks_address: str | None = Field(
        default=None,
        description="where the task process serves /metrics, /healthz and /readyz; empty: nowhere",
    )

    @field_validator("tasks_address", mode="after")
    @classmethod
    def _host_and_port(cls, address: str | None) -> str | None:
        if not address:
            return None
        if not _ADDRESS.fullmatch(address):
            raise ValueError(f"{address!r} is not a host and a port, such as 127.0.0.1:34801")
        return address


def describe(model: type[BaseModel], prefix: str) -> str:
    """Returns every variable of a settings class with its default and meaning, one per line."""
    lines: list[str] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            lines.append(describe(field.annotation, f"{prefix}{name}__"))
            continue
        value = "required" if field.is_required() else field.get_default(call_default_factory=True)
        lines.append(f"{prefix}{name}".upper() + f" = {value}  {field.description or ''}".rstrip())
    return "\n".join(lines)


def _known(model: type[BaseModel], prefix: str) -> set[str]:
    names: set[str] = set()
    for name, field in model.model_fields.items():
        names.add(f"{prefix}{name}".upper())
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names |= _known(field.annotation, f"{prefix}{name}__")
    return names


def _refuse_unknown(cls: type[ServiceSettings]) -> None:
    prefix = cls.model_config.get("env_prefix", "").upper()
    if not prefix:
        return
    unknown = sorted({name for name in os.environ if name.upper().startswith(prefix)} - _known(cls, prefix))
    if unknown:
        raise SettingsRefused(
            f"unknown setting {', '.join(unknown)}; `python -m <service>.commands settings` lists all"
        )
