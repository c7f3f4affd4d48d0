"""Every way of deploying migrates, fills the Manager's catalogue, and reads it into the Expert, in this order."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_compose_syncs_both_catalogues_after_the_migrations() -> None:
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))["services"]
    manager = services["manager-migrate"]["command"]
    assert re.search(r"migrations/run.py ai_manager\s+&& .*sync_models_from_schemas", manager)
    sync = services["expert-sync"]
    assert sync["command"][-1] == "sync_ai_models"
    for earlier in ("expert-migrate", "manager-migrate"):
        assert sync["depends_on"][earlier] == {"condition": "service_completed_successfully"}


def test_the_page_of_upgrades_names_the_three_steps_in_order() -> None:
    page = (ROOT / "docs/fleet.md").read_text("utf-8")
    steps = ("migrations/run.py", "sync_models_from_schemas", "sync_ai_models")
    section = page[page.index("## Upgrade") :]
    assert sorted(steps, key=section.index) == list(steps)
