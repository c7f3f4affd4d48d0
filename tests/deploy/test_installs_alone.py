"""Each service installs alone: neither another service nor what only another service needs comes with it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv-boot" / "bin" / "uv"
ABSENT = {
    "ai_manager": ["expert", "ai_worker", "trapper_cli", "onnxruntime", "numpy", "PIL", "onnx", "argon2"],
    "ai_worker": ["expert", "ai_manager", "trapper_cli", "asyncpg", "obstore", "argon2", "pgvector"],
    "expert": ["ai_manager", "ai_worker", "trapper_cli", "onnxruntime", "onnx", "aiosqlite"],
}
LOCKS = {"ai_worker": "ai_worker-cpu"}
"""The locks of the images, where they are not named like the service."""
PROBE = """
import importlib.util, sys
print(",".join(name for name in sys.argv[1:] if importlib.util.find_spec(name) is not None))
"""


def uv(*arguments: str) -> None:
    """Run the installer on what this machine has fetched already; tests do not reach for the network."""
    offline = {**os.environ, "UV_OFFLINE": "1"}
    result = subprocess.run([str(UV), *arguments], cwd=ROOT, capture_output=True, text=True, check=False, env=offline)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("service", ABSENT)
def test_a_service_installs_alone_and_answers(service: str, tmp_path: Path) -> None:
    python = str(tmp_path / "venv" / "bin" / "python")
    uv("venv", "-q", "--python", sys.executable, str(tmp_path / "venv"))
    locks = [f"deploy/locks/{name}.lock" for name in (LOCKS.get(service, service), "build")]
    uv("pip", "sync", "-q", "--require-hashes", "--python", python, *locks)
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
