"""Attacks with addresses in settings: each passes the one validator, and its refusal never repeats a password."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from ai_manager.settings import Settings as ManagerSettings
from ai_worker.settings import WorkerSettings
from expert.settings import ExpertSettings
from trapper_client.connection import open_client
from trapper_client.errors import WrongUsage
from trapper_kit.http_transport import ProxyRefused, proxy_for
from trapper_kit.settings import ServiceSettings, SettingsRefused
from trapper_schemas.v1.jobs import JobRequest

HOSTILE = (
    "ftp://example.org",
    "http://",
    "http://exam ple.org",
    "http://example.org\\@attacker.example.org",
    "http://a..example.org",
    "http://-a-.example.org",
    "http://example.org:0",
    "http://example.org:99999",
    "http://example.org:hunter2",
    "http://999.1.1.1",
    "http://[::1",
    f"http://{'a' * 64}.example.org",
    "example.org",
)
WITH_PASSWORD = "http://user:hunter2@example.org"
EXPERT = {"DATABASE_URL": "postgresql://x", "SECRET_KEY": "s" * 40, "MEDIA_DIR": "/tmp"}  # noqa: S108 - never opened
MANAGER = {"DATABASE_URL": "postgresql://x", "SECRET_KEY": "s" * 40, "BLOBS_DIR": "/tmp"}  # noqa: S108 - never opened
WORKER = {"STATE_DIR": "/tmp"}  # noqa: S108 - never opened


@dataclass(frozen=True)
class Service:
    """A service's settings, with a valid environment."""

    settings: type[ServiceSettings]
    prefix: str
    environment: Mapping[str, str]

    def start(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        """Reads the settings with one variable changed."""
        for variable, given in {**self.environment, name: value}.items():
            monkeypatch.setenv(f"{self.prefix}_{variable}", given)
        self.settings.from_environment()


SERVICES = (
    Service(ExpertSettings, "EXPERT", EXPERT),
    Service(ManagerSettings, "AI_MANAGER", MANAGER),
    Service(WorkerSettings, "AI_WORKER", WORKER),
)
SETTINGS = ((0, "PUBLIC_URL"), (2, "MANAGER_URL"), (2, "MEDIA_ORIGINS"), (2, "WEIGHTS_MIRRORS"))
LISTS = {"MEDIA_ORIGINS", "WEIGHTS_MIRRORS"}


@pytest.mark.parametrize(("service", "name"), SETTINGS)
@pytest.mark.parametrize("value", [*HOSTILE, WITH_PASSWORD, "http://example.org?a=b", "http://example.org#a"])
def test_address_of_a_setting_is_refused_by_its_name(
    service: int, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, good = SERVICES[service], "https://bücher.example.org:8443"
    with pytest.raises(SettingsRefused, match=f"^{of.prefix}_{name}"):
        of.start(monkeypatch, name, json.dumps([value]) if name in LISTS else value)
    of.start(monkeypatch, name, json.dumps([good]) if name in LISTS else good)


REDIS = [url.replace("http", "redis") for url in HOSTILE]


@pytest.mark.parametrize("of", SERVICES, ids=lambda service: service.prefix)
@pytest.mark.parametrize("name", ["REDIS_URL", "NOTIFICATIONS_REDIS_URL"])
@pytest.mark.parametrize("value", [*REDIS, "http://:hunter2@example.org", "redis://:hun/ter2@example.org"])
def test_redis_of_a_service_is_refused_by_its_name(
    of: Service, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsRefused, match=f"^{of.prefix}_{name}: ") as refused:
        of.start(monkeypatch, name, value)
    assert "ter2" not in str(refused.value)
    for good in ("rediss://user:hunter2@queue.example.org:6380/1", "unix:///run/valkey.sock", ""):
        of.start(monkeypatch, name, good)


@pytest.mark.parametrize("value", [*HOSTILE[:-1], "socks5://example.org", "http://user:hun/ter2@example.org"])
def test_proxy_of_the_environment_is_refused_by_its_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(ProxyRefused, match="HTTPS_PROXY") as refused:
        proxy_for(httpx.URL("https://manager.example.org"))
    assert "ter2" not in str(refused.value)
    with pytest.raises(WrongUsage, match="HTTPS_PROXY") as wrong:
        open_client("https://manager.example.org", timeout=httpx.Timeout(1))
    assert "ter2" not in str(wrong.value)


@pytest.mark.parametrize("value", [*HOSTILE, WITH_PASSWORD, "http://example.org/path"])
def test_media_origin_of_a_submission_is_refused_by_its_name(value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        JobRequest.model_validate({"media_origins": [value]})
    assert ("media_origins", 0) in {error["loc"] for error in refused.value.errors()}


def test_media_origin_with_a_path_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AI_WORKER_MEDIA_ORIGINS", '["https://example.org/path"]')
    with pytest.raises(SettingsRefused, match=r"AI_WORKER_MEDIA_ORIGINS.*an origin has no path"):
        WorkerSettings.from_environment(state_dir=tmp_path)
