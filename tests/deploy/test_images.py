"""What the images and the compose file promise: hashes, digests, no root, no writing, loopback, secrets, networks."""

import re
from pathlib import Path
from typing import Any

import yaml

from deploy.make_secrets import contents

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVERS = {"postgres", "queues", "notifications"}


def test_third_party_packages_are_installed_with_hashes_and_own_ones_without_dependencies() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install ([^\n&]*)", DOCKERFILE)
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes -r" in install or "--no-deps --no-index wheels/" in install
    assert "--no-deps --no-build-isolation" in DOCKERFILE
    assert "requirements.txt" not in DOCKERFILE


def test_image_runs_the_python_that_is_tested_and_not_as_root() -> None:
    lock = (ROOT / "deploy/lock.sh").read_text("utf-8")
    (minor,) = re.findall(r"--python-version (\d\.\d+)", lock)
    assert f"ARG PYTHON_IMAGE=python:{minor}-slim\n" in DOCKERFILE
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${PYTHON_IMAGE}"] * 2
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["10001"]


def test_every_base_image_can_be_pinned_by_digest() -> None:
    pinned = set(re.findall(r"^pin (\w+)", (ROOT / "deploy/pin_images.sh").read_text("utf-8"), re.MULTILINE))
    text = (ROOT / "deploy/compose.yaml").read_text("utf-8")
    assert pinned == {"PYTHON_IMAGE", "POSTGRES_IMAGE", "VALKEY_IMAGE"} == set(re.findall(r"\$\{(\w+_IMAGE):-", text))
    for name, service in SERVICES.items():
        image = service.get("image") or service["build"]["args"]["PYTHON_IMAGE"]
        assert image.startswith("${"), name


def test_no_container_writes_its_root_file_system_or_keeps_capabilities() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert "no-new-privileges:true" in service["security_opt"], name
        if name != "postgres":  # its image starts as root to give the volume to its account
            assert service["cap_drop"] == ["ALL"], name


def test_addresses_are_published_on_loopback_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_each_service_reaches_only_the_servers_that_it_uses() -> None:
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert networks["queues"] == {"queues"}
    assert networks["notifications"] == {"notifications"}
    assert networks["worker"] == {"services", "notifications"}
    assert networks["expert"] & networks["manager"] == {"services", "queues", "notifications"}
    for name, network in COMPOSE["networks"].items():
        assert name == "services" or network == {"internal": True}
    for name in SERVERS:
        assert "services" not in networks[name]


def test_secrets_come_from_files_that_make_secrets_writes() -> None:
    written = contents()
    assert {name: secret["file"] for name, secret in COMPOSE["secrets"].items()} == {
        name: f"secrets/{name}" for name in written
    }
    assert {secret for service in SERVICES.values() for secret in service.get("secrets", [])} == set(written)
    assert not [name for name, service in SERVICES.items() if "env_file" in service]
    for service in SERVICES.values():
        assert not [value for value in service.get("environment", {}).values() if "password" in str(value).lower()] or (
            set(service["environment"]) == {"POSTGRES_PASSWORD_FILE"}
        )


def test_each_service_gets_its_own_secrets_alone() -> None:
    for name, service in SERVICES.items():
        if name not in SERVERS:
            prefix = service["build"]["args"]["SERVICE"]
            assert all(secret.startswith(prefix) for secret in service["secrets"]), name
