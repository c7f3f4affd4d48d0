"""The locks pin by hash, name no registry, and agree wherever both have a package."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_locks_of_cpu_and_gpu_agree_but_for_the_runtime() -> None:
    cpu, gpu = dict(PIN.findall(_text("requirements.lock"))), dict(PIN.findall(_text("requirements-gpu.lock")))
    assert "onnxruntime" in cpu
    assert "onnxruntime-gpu" in gpu
    assert "onnxruntime" not in gpu
    assert {name: version for name, version in gpu.items() if cpu.get(name, version) != version} == {}


def test_every_pin_has_a_hash_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-gpu.lock"):
        text = _text(name)
        blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
        assert len(blocks) > 20
        assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
        assert "://" not in text
        assert "index-url" not in text
