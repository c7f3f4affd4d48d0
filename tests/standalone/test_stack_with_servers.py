"""`trapper up`, `down` and `status` on a real supervisor with the real servers."""

import os
import shutil
import signal
import socket
import stat
import time
from pathlib import Path

import pytest

from tests.standalone.conftest import Trapper
from tests.standalone.processes import is_alive, living, within
from trapper_cli import ports, private_files
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_cli.servers.psql import Psql
from trapper_cli.servers.valkey import EmbeddedValkey


def database(stack: Trapper) -> Psql:
    seen = stack.look()
    password = private_files.read_json(stack.state_dir / "secrets.json")["postgres_password"]
    return Psql(f"postgresql://postgres:{password}@127.0.0.1:{seen['ports']['postgres']}/expert")


def test_status_has_the_shape_that_scripts_rely_on(stack: Trapper) -> None:
    answer = stack("status", "--json")
    assert answer.code == 0
    assert answer.json["healthy"] is True
    assert set(stack.pids()) == {"supervisor", "supervisor-guard", "postgres", "valkey"}
    assert all(is_alive(pid) for pid in stack.pids().values())
    password = private_files.read_json(stack.state_dir / "secrets.json")["valkey_password"]
    assert answer.json["urls"]["valkey"].startswith("redis://:***@")
    assert password not in str(answer.json)
    assert stack("status", "--json", "--show-secrets").json["urls"]["valkey"].startswith(f"redis://:{password}@")
    assert answer.json["admin_credentials_file"] == str(stack.state_dir / "admin.json")


def test_a_second_up_returns_at_once_and_changes_nothing(stack: Trapper) -> None:
    before, began = stack.pids(), time.monotonic()
    assert stack("up", "--only-servers").code == 0
    assert time.monotonic() - began < 30  # it waits for nothing
    assert stack.pids() == before


def test_secrets_are_private_and_nowhere_else(stack: Trapper) -> None:
    secrets = private_files.read_json(stack.state_dir / "secrets.json")
    assert len(set(secrets.values())) == 7
    for name in ("secrets.json", "state.json"):
        assert stat.S_IMODE((stack.state_dir / name).stat().st_mode) == 0o600
    told = "\n".join(living("")) + "".join(path.read_text() for path in (stack.state_dir / "logs").iterdir())
    assert [name for name, secret in secrets.items() if secret in told] == []


def test_each_service_has_a_database_that_the_other_cannot_enter(stack: Trapper) -> None:
    seen, secrets = stack.look(), private_files.read_json(stack.state_dir / "secrets.json")
    place = f"127.0.0.1:{seen['ports']['postgres']}"
    password = secrets["ai_manager_database_password"]
    assert Psql(f"postgresql://ai_manager:{password}@{place}/ai_manager").run("SELECT current_user") == [["ai_manager"]]
    with pytest.raises(Exception, match="permission denied for database"):
        Psql(f"postgresql://ai_manager:{password}@{place}/expert").run("SELECT 1")


def test_what_dies_is_started_again_at_the_same_port(stack: Trapper) -> None:
    database(stack).run("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7);")
    before = stack.pids()
    victims = [before[name] for name in ("postgres", "valkey", "supervisor-guard")]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    assert within(60, lambda: not any(is_alive(pid) for pid in victims))
    assert within(60, lambda: stack.look()["healthy"])
    after = stack.pids()
    assert after["supervisor"] == before["supervisor"]
    assert all(after[name] != before[name] for name in ("postgres", "valkey", "supervisor-guard"))
    assert database(stack).run("SELECT n FROM kept") == [["7"]]


def test_after_a_killed_supervisor_nothing_is_left_and_the_data_is_there(stack: Trapper) -> None:
    before = stack.pids()
    ports = stack.look()["ports"]
    os.kill(before["supervisor"], signal.SIGKILL)
    again = stack("up", "--only-servers")  # at once, while the guard is still at work
    assert again.code == 0, again
    assert not any(is_alive(pid) for pid in before.values())
    assert stack.look()["ports"] == ports
    assert database(stack).run("SELECT count(*) FROM pg_extension WHERE extname = 'vector'") == [["1"]]


def test_down_stops_everything_and_may_be_repeated(stack: Trapper) -> None:
    before = stack.pids()
    assert stack("down").text == "Stopped.\n"
    assert not any(is_alive(pid) for pid in before.values())
    assert stack("down").text == "Nothing was running.\n"
    stopped = stack("status", "--json")
    assert (stopped.code, stopped.json["healthy"], stopped.json["processes"]) == (1, False, [])
    doctor = stack("doctor", "--json")
    assert doctor.code == 1
    assert next(check["name"] for check in doctor.json["checks"] if not check["ok"]) == "stack: it runs"
    assert stack("up", "--only-servers").code == 0


def test_a_removed_state_folder_ends_the_stack(folder: Path) -> None:
    trapper = Trapper(folder / "state")
    assert trapper("up", "--only-servers").code == 0
    pids = trapper.pids()
    shutil.rmtree(trapper.state_dir)
    assert within(60, lambda: not any(is_alive(pid) for pid in pids.values()))
    assert not trapper.state_dir.exists()


def test_a_taken_port_is_refused_by_name(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = Trapper(folder / "state")("up", "--only-servers", "--expert-port", str(port))
    assert answer.code == 1
    assert f"Port {port} on 127.0.0.1, asked for as the port of expert, is taken" in answer.error
    assert "Traceback" not in answer.error


def test_a_state_folder_that_cannot_be_made_is_refused_in_one_sentence(folder: Path) -> None:
    (folder / "file").write_text("in the way")
    answer = Trapper(folder / "file" / "state")("up")
    assert answer.code == 1
    assert "cannot be used" in answer.error
    assert "Traceback" not in answer.error


def test_given_servers_are_used_as_they_are(folder: Path, postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> None:
    given = {
        "EXPERT_DATABASE_URL": postgres.create_database("given_expert").replace("postgresql:", "postgresql+asyncpg:"),
        "AI_MANAGER_DATABASE_URL": postgres.create_database("given_ai_manager"),
        "REDIS_URL": valkey.url,
    }
    trapper = Trapper(folder / "state")
    try:
        assert trapper("up", "--only-servers", **given).code == 0
        assert set(trapper.pids()) == {"supervisor", "supervisor-guard"}
        assert trapper.look()["urls"]["valkey"] == valkey.url
        assert not (trapper.state_dir / "pg").exists()
        assert postgres.sql("SELECT extname FROM pg_extension WHERE extname = 'vector'", "given_expert") == [["vector"]]
    finally:
        trapper("down")


def test_a_given_server_that_does_not_answer_is_named_without_its_password(folder: Path) -> None:
    given = {
        "EXPERT_DATABASE_URL": f"postgresql://me:hidden@127.0.0.1:{ports.choose()}/expert",
        "AI_MANAGER_DATABASE_URL": "postgresql://me:hidden@127.0.0.1:1/ai_manager",
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    answer = Trapper(folder / "state")("up", "--only-servers", **given)
    assert answer.code == 1
    assert "PostgreSQL at postgresql://me@127.0.0.1" in answer.error
    assert "hidden" not in answer.error + (folder / "state" / "logs" / "supervisor.log").read_text()
