"""Settings are read once, and a variable that is not understood stops the start by its name."""

from pathlib import Path

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from trapper_kit.settings import Intervals, ServiceSettings, SettingsRefused, read_setting


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="KITTEST_", env_nested_delimiter="__", extra="ignore", frozen=True)
    intervals: Intervals = Field(default_factory=Intervals)


def test_nested_values_are_written_with_two_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITTEST_INTERVALS__SWEEP", "0.5")
    monkeypatch.setenv("KITTEST_ALLOWED_ADDRESSES", '["127.0.0.0/8"]')
    settings = Settings.from_environment()
    assert settings.intervals.sweep == 0.5
    assert settings.allowed_addresses == ["127.0.0.0/8"]


def test_an_unknown_variable_stops_the_start_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITTEST_SWEEEP", "1")
    with pytest.raises(SettingsRefused, match="KITTEST_SWEEEP"):
        Settings.from_environment()


def test_a_malformed_value_is_named_and_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITTEST_INTERVALS__SWEEP", "hunter2")
    with pytest.raises(SettingsRefused, match="KITTEST_INTERVALS__SWEEP") as refused:
        Settings.from_environment()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_are_not_there_stop_the_start_by_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "/nowhere/ca.pem")
    with pytest.raises(SettingsRefused, match=f"{name}: there is no .* '/nowhere/ca.pem'"):
        Settings.from_environment()


def test_every_interval_can_be_scaled_for_tests() -> None:
    scaled = Intervals().scaled(1 / 50)
    assert scaled.sweep == pytest.approx(Intervals().sweep / 50)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_ADDRESSES", "10.0.0.0/8"),
        ("ALLOWED_ADDRESSES", '["10.0.0.0/33"]'),
        ("ALLOWED_ADDRESSES", '["10.0.0.1/8"]'),
        ("ALLOWED_ADDRESSES", '["example.org"]'),
        ("REDIS_URL", "hunter2.example.org:6379"),
        ("NOTIFICATIONS_REDIS_URL", "http://hunter2@example.org"),
    ],
)
def test_what_cannot_be_meant_stops_the_start_in_words(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"KITTEST_{name}", value)
    with pytest.raises(SettingsRefused, match=f"^KITTEST_{name}: ") as refused:
        Settings.from_environment()
    assert "hunter2" not in str(refused.value)


def test_an_address_that_is_left_empty_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITTEST_REDIS_URL", "")
    assert Settings.from_environment().redis_url is None


def test_secret_is_read_from_a_file_and_the_environment_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "kittest_redis_url").write_text("redis://:from-a-file@queues/0\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    settings = Settings.from_environment()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == read_setting("KITTEST_REDIS_URL") == "redis://:from-a-file@queues/0"
    monkeypatch.setenv("KITTEST_REDIS_URL", "redis://queues/1")
    settings = Settings.from_environment()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == read_setting("KITTEST_REDIS_URL") == "redis://queues/1"
    assert read_setting("KITTEST_ABSENT") is None
