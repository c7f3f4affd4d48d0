"""Which service is told what, and which servers are embedded."""

from pathlib import Path

import pytest

from trapper_cli import ports, private_files, secret_store
from trapper_cli.environments import addresses, environments
from trapper_cli.errors import StackError
from trapper_cli.fingerprints import of_code
from trapper_cli.layout import Layout
from trapper_cli.port_plan import PortPlan
from trapper_cli.settings import StackSettings

PORTS = {
    "postgres": 1,
    "valkey": 2,
    "expert": 3,
    "ai_manager": 4,
    "ai_worker": 5,
    "expert-tasks": 6,
    "ai_manager-tasks": 7,
}
SECRETS = dict.fromkeys(secret_store.NAMES, "s3cret")
BOTH_DATABASES = {"EXPERT_DATABASE_URL": "postgresql://a@h/e", "AI_MANAGER_DATABASE_URL": "postgresql://a@h/m"}


def settings(**environment: str) -> StackSettings:
    return StackSettings(Path("/state"), Path("/root"), {}, environment)


def told(**environment: str) -> dict[str, dict[str, str]]:
    chosen = settings(**environment)
    return environments(chosen, Layout(chosen.state_dir), SECRETS, addresses(chosen, SECRETS, PORTS))


def test_each_service_is_told_its_own_settings_and_nobody_elses() -> None:
    envs = told(EXPERT_INTERVALS__SWEEP="0.1", AI_WORKER_SLOTS="1", REDIS_URL="", TRAPPER_STATE_DIR="x", PATH="/bin")
    assert {name for name in envs["expert"] if name.startswith(("AI_", "TRAPPER_", "REDIS"))} == set()
    assert envs["expert"]["EXPERT_INTERVALS__SWEEP"] == "0.1"
    assert envs["ai_worker"]["AI_WORKER_SLOTS"] == "1"
    assert {name for name in envs["ai_worker"] if name.startswith(("EXPERT_", "AI_MANAGER_"))} == set()
    assert {env["PATH"] for env in envs.values()} == {"/bin"}


def test_bytecode_is_kept_and_a_persons_own_postgres_stays_out() -> None:
    env = told(PYTHONDONTWRITEBYTECODE="1", PGHOST="elsewhere")["expert"]
    assert "PYTHONDONTWRITEBYTECODE" not in env
    assert "PGHOST" not in env


def test_the_worker_hears_notifications_and_reaches_no_inner_queue() -> None:
    env = told()["ai_worker"]
    assert env["AI_WORKER_REDIS_URL"] == "redis://notifications:s3cret@127.0.0.1:2/0"
    assert "s3cret@127.0.0.1:1" not in str(env)


def test_given_servers_are_used_and_none_is_embedded() -> None:
    given = {**BOTH_DATABASES, "REDIS_URL": "redis://h/1"}
    chosen = settings(**given)
    assert not chosen.embeds_postgres
    assert not chosen.embeds_valkey
    envs = told(**given)
    assert envs["expert"]["EXPERT_DATABASE_URL"] == "postgresql://a@h/e"
    assert envs["ai_manager"]["AI_MANAGER_REDIS_URL"] == "redis://h/1"
    assert envs["ai_worker"]["AI_WORKER_REDIS_URL"] == "redis://h/1"


def test_one_given_database_leaves_the_other_embedded() -> None:
    given = {"EXPERT_DATABASE_URL": "postgresql://a@h/e"}
    assert settings(**given).embeds_postgres
    assert told(**given)["ai_manager"]["AI_MANAGER_DATABASE_URL"].startswith("postgresql://ai_manager:s3cret@127")


def test_an_object_store_takes_the_place_of_a_folder() -> None:
    envs = told(AI_MANAGER_BLOBS_URL="s3://bucket", EXPERT_MEDIA_URL="s3://media")
    assert "AI_MANAGER_BLOBS_DIR" not in envs["ai_manager"]
    assert "EXPERT_MEDIA_DIR" not in envs["expert"]
    assert envs["expert"]["EXPERT_BLOBS_DIR"] == "/state/expert-blobs"


def planned(chosen: StackSettings, kept_in: Path) -> dict[str, int]:
    made = PortPlan()
    made.make(chosen, kept_in)
    made.release()
    return made.ports


def test_ports_are_those_of_the_last_start_and_the_asked_one_wins(folder: Path) -> None:
    kept = folder / "ports.json"
    first = planned(settings(), kept)
    assert planned(settings(), kept) == first
    asked = ports.choose()
    second = planned(StackSettings(Path("/state"), Path("/root"), {"expert": asked}, {}), kept)
    assert second == {**first, "expert": asked}


def test_a_chosen_port_is_nobody_elses_until_its_listener_starts(folder: Path) -> None:
    made, other = PortPlan(), PortPlan()
    made.make(settings(), folder / "ports.json")
    other.make(settings(), folder / "ports.json")
    assert set(made.ports.values()).isdisjoint(other.ports.values())
    made.release()
    other.release()


def test_given_servers_get_no_port(folder: Path) -> None:
    chosen = settings(**BOTH_DATABASES, REDIS_URL="redis://h")
    assert set(planned(chosen, folder / "ports.json")) == {
        "expert",
        "ai_manager",
        "ai_worker",
        "expert-tasks",
        "ai_manager-tasks",
    }


def test_lost_secrets_beside_existing_data_are_told_and_not_made_anew(folder: Path) -> None:
    path = folder / "secrets.json"
    made = secret_store.load(path, data_exists=False)
    assert secret_store.load(path, data_exists=True) == made
    path.write_text("{")
    with pytest.raises(StackError, match="missing or damaged"):
        secret_store.load(path, data_exists=True)


def test_a_private_file_is_private_from_its_first_moment(folder: Path) -> None:
    path = folder / "state.json"
    private_files.write_json(path, {"a": 1})
    assert path.stat().st_mode & 0o777 == 0o600
    assert private_files.read_json(path) == {"a": 1}
    assert [each.name for each in folder.iterdir()] == ["state.json"]


def test_a_changed_source_file_changes_the_stamp_of_the_code(folder: Path) -> None:
    source = folder / "libs" / "thing.py"
    source.parent.mkdir()
    source.write_text("1")
    before = of_code(folder)
    (source.parent / "__pycache__").mkdir()
    (source.parent / "__pycache__" / "thing.pyc").write_text("compiled")
    assert of_code(folder) == before
    source.write_text("12")
    assert of_code(folder) != before
