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
    "expert": ["ai_manager", "ai_worker", "trapper_cli", "onnxruntime", "onnx", "simplejpeg", "aiosqlite"],
}
PROBE = """
import importlib.util, sys
print(",".join(name for name in sys.argv[1:] if importlib.util.find_spec(name) is not None))
"""


def uv(*arguments: str) -> None:
    """Run the installer on what the machine has already fetched; tests do not reach for the network."""
    result = subprocess.run(
        [str(UV), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "UV_OFFLINE": "1"},
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("service", ABSENT)
def test_a_service_installs_alone_and_answers(service: str, tmp_path: Path) -> None:
    assert UV.exists(), "make install makes it"
    pins = tmp_path / "pins.txt"
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    pins.write_text("\n".join(line.split("\\")[0].strip() for line in lines if line[:1].isalnum()))
    python = tmp_path / "venv" / "bin" / "python"
    uv("venv", "-q", "--python", sys.executable, str(tmp_path / "venv"))
    backend = ["hatchling", "editables"]
    uv("pip", "install", "-q", "--python", str(python), "-c", str(pins), *backend)
    members = [ROOT / "libs" / "trapper_schemas", ROOT / "libs" / "trapper_kit", ROOT / "services" / service]
    copies = [tmp_path / member.name for member in members]
    for member, copy in zip(members, copies, strict=True):
        shutil.copytree(member, copy)
    extra = "[cpu]" if service == "ai_worker" else ""
    wanted = [*map(str, copies[:-1]), f"{copies[-1]}{extra}"]
    uv("pip", "install", "-q", "--python", str(python), "--no-build-isolation", "-c", str(pins), *wanted)
    probe = subprocess.run([str(python), "-c", PROBE, *ABSENT[service]], capture_output=True, text=True, check=True)
    assert probe.stdout.strip() == ""
    contract = subprocess.run(
        [str(python), "-m", f"{service}.commands", "openapi"], capture_output=True, text=True, check=False
    )
    assert contract.returncode == 0, contract.stderr
    assert contract.stdout == (ROOT / "services" / service / "openapi.json").read_text("utf-8")
