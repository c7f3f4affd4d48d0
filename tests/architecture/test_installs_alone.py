"""Each service installs alone: neither another service nor what only another service needs comes with it."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv-boot" / "bin" / "uv"
ABSENT = {
    "ai_manager": ["expert", "ai_worker", "trapper_cli", "onnxruntime", "numpy", "PIL", "onnx", "argon2"],
    "ai_worker": ["expert", "ai_manager", "trapper_cli", "asyncpg", "obstore", "argon2", "pgvector"],
    "expert": ["ai_manager", "ai_worker", "trapper_cli", "onnxruntime", "onnx", "aiosqlite"],
}
EXTRAS = {"ai_worker": {"cpu"}}
PROBE = """
import importlib.util, sys
print(",".join(name for name in sys.argv[1:] if importlib.util.find_spec(name) is not None))
"""


def uv(*arguments: str) -> None:
    """Run the installer on what this machine has fetched already; tests do not reach for the network."""
    offline = {**os.environ, "UV_OFFLINE": "1"}
    result = subprocess.run([str(UV), *arguments], cwd=ROOT, capture_output=True, text=True, check=False, env=offline)
    assert result.returncode == 0, result.stderr


def needed_by(name: str, extras: frozenset[str], found: set[str]) -> None:
    """Everything that a distribution asks for, as its own metadata says, all the way down."""
    for line in distribution(name).requires or []:
        wanted = Requirement(line)
        marker = wanted.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
            key = canonicalize_name(wanted.name)
            if key not in found or wanted.extras:
                found.add(key)
                needed_by(key, frozenset(wanted.extras), found)


def lock_of(names: set[str]) -> str:
    """The part of the lock that pins these distributions, with their hashes."""
    blocks: list[list[str]] = []
    for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines():
        if line[:1].isalnum():
            blocks.append([])
        blocks[-1].append(line)
    return "\n".join("\n".join(block) for block in blocks if canonicalize_name(block[0].split("==")[0]) in names)


@pytest.mark.parametrize("service", ABSENT)
def test_a_service_installs_alone_and_answers(service: str, tmp_path: Path) -> None:
    needed: set[str] = {"hatchling", "editables"}
    for name in ("hatchling", service):
        needed_by(name, frozenset(EXTRAS.get(service, set())), needed)
    pins = tmp_path / "pins.txt"
    pins.write_text(lock_of(needed))
    python = str(tmp_path / "venv" / "bin" / "python")
    uv("venv", "-q", "--python", sys.executable, str(tmp_path / "venv"))
    uv("pip", "sync", "-q", "--require-hashes", "--python", python, str(pins))
    members = ["libs/trapper_schemas", "libs/trapper_kit", f"services/{service}"]
    for member in [*members, "migrations"]:  # copied, so that building leaves nothing in the tree
        shutil.copytree(ROOT / member, tmp_path / member, ignore=shutil.ignore_patterns("__pycache__"))
    own = [str(tmp_path / member) for member in members]
    uv("pip", "install", "-q", "--python", python, "--no-deps", "--no-build-isolation", "--no-sources", *own)
    uv("pip", "check", "-q", "--python", python)
    probe = subprocess.run([python, "-c", PROBE, *ABSENT[service]], capture_output=True, text=True, check=True)
    assert probe.stdout.strip() == ""
    contract = subprocess.run(
        [python, "-m", f"{service}.commands", "openapi"], capture_output=True, text=True, check=False
    )
    assert contract.returncode == 0, contract.stderr
    assert contract.stdout == (ROOT / "services" / service / "openapi.json").read_text("utf-8")
