"""The locks pin by hash, name no registry, and agree wherever both have a package."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


IMAGES = ("expert", "ai_manager", "ai_worker-cpu", "ai_worker-gpu", "build")
LOCKS = ("requirements.lock", *(f"deploy/locks/{name}.lock" for name in IMAGES))


def test_locks_of_images_have_the_versions_that_are_tested() -> None:
    tested = dict(PIN.findall(_text("requirements.lock")))
    for name in LOCKS[1:]:
        pins = dict(PIN.findall(_text(name)))
        assert {key: version for key, version in pins.items() if tested.get(key, version) != version} == {}, name
        assert set(pins) - set(tested) == set() or name.endswith("gpu.lock"), name


def test_locks_of_cpu_and_gpu_differ_in_the_runtime() -> None:
    cpu, gpu = (dict(PIN.findall(_text(f"deploy/locks/ai_worker-{extra}.lock"))) for extra in ("cpu", "gpu"))
    assert "onnxruntime" in cpu
    assert "onnxruntime-gpu" in gpu
    assert "onnxruntime" not in gpu


def test_every_pin_has_a_hash_and_no_address() -> None:
    for name in LOCKS:
        text = _text(name)
        blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
        assert len(blocks) > 5
        assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
        assert "://" not in text
        assert "index-url" not in text
