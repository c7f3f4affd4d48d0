"""The example environment of each service names every setting, and nothing that is not one."""

import importlib
import re
from pathlib import Path

import pytest

from trapper_kit.settings import ServiceSettings, _known

ROOT = Path(__file__).parents[2]
CLASSES = {
    "expert": ("expert.settings", "ExpertSettings"),
    "ai_manager": ("ai_manager.settings", "Settings"),
    "ai_worker": ("ai_worker.settings", "WorkerSettings"),
}


def settings_of(service: str) -> type[ServiceSettings]:
    module, name = CLASSES[service]
    found: type[ServiceSettings] = getattr(importlib.import_module(module), name)
    return found


@pytest.mark.parametrize("service", CLASSES)
def test_the_example_names_every_setting_and_no_other(service: str) -> None:
    cls = settings_of(service)
    known = _known(cls, cls.model_config.get("env_prefix", ""))
    leaves = {name for name in known if not any(other.startswith(f"{name}__") for other in known)}
    text = (ROOT / "deploy" / "env" / f"{service}.example").read_text("utf-8")
    assert set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE)) == leaves
