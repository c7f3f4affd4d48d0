"""`trapper up` through all its steps, with the real servers, and small programs in the place of the services."""

import json
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standalone.conftest import PLACE, Answer, Trapper
from tests.standalone.processes import is_alive, living, within
from trapper_cli.servers.postgres import EmbeddedPostgres

SERVICES = ("expert", "ai_manager", "ai_worker")
DOORS = {"expert serve", "expert tasks", "ai_manager serve", "ai_manager tasks", "ai_worker run"}
ONE_OFFS = {
    "migrations expert",
    "migrations ai_manager",
    "expert create_admin",
    "ai_manager sync_models_from_schemas",
    "ai_manager issue_token",
    "expert connect_manager",
    "expert sync_ai_models",
    "ai_manager issue_enrolment",
    "ai_worker enrol",
}


class Checkout:
    """A root whose services are small programs."""

    first: Answer
    first_calls: list[dict[str, Any]]

    def __init__(self, folder: Path, given: dict[str, str]) -> None:
        self.root = folder / "a checkout"
        self.trapper = Trapper(folder / "state")
        self.variables = {"TRAPPER_ROOT": str(self.root), "PYTHONPATH": str(self.root), **given}
        (self.root / "migrations").mkdir(parents=True)
        shutil.copy(Path(__file__).with_name("small_service.py"), self.root)
        for service in SERVICES:
            (self.root / service).mkdir()
            (self.root / service / "__init__.py").touch()
            (self.root / service / "commands.py").write_text(f"from small_service import main\nmain({service!r})\n")
        run = "import sys\nsys.path.insert(0, '.')\nfrom small_service import main\nmain('migrations')\n"
        (self.root / "migrations" / "run.py").write_text(run)

    def __call__(self, *words: str) -> Answer:
        return self.trapper(*words, **self.variables)

    def calls(self) -> list[dict[str, Any]]:
        path = self.root / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def called(self) -> list[str]:
        """What was called since the last time somebody asked, in order."""
        calls = [f"{call['service']} {call['words'][0]}" for call in self.calls()]
        (self.root / "calls.jsonl").unlink(missing_ok=True)
        return calls


@pytest.fixture
def fresh(folder: Path, postgres: EmbeddedPostgres) -> Iterator[Checkout]:
    yield from made_in(folder, postgres)


@pytest.fixture(scope="module")
def checkout(postgres: EmbeddedPostgres) -> Iterator[Checkout]:
    with tempfile.TemporaryDirectory(prefix="trapper standalone ", dir=PLACE) as folder:
        for made in made_in(Path(folder), postgres):
            made.first = made("up", "--json")
            made.first_calls = made.calls()
            yield made


def made_in(folder: Path, postgres: EmbeddedPostgres) -> Iterator[Checkout]:
    names = {service: f"{service}_{os.urandom(4).hex()}" for service in ("expert", "ai_manager")}
    given = {f"{service.upper()}_DATABASE_URL": postgres.create_database(name) for service, name in names.items()}
    made = Checkout(folder, given)
    yield made
    made("down")


def test_the_first_start_does_every_step_in_order(checkout: Checkout) -> None:
    assert checkout.first.code == 0, checkout.first.error
    assert checkout.first.json["healthy"] is True
    names = {each["name"] for each in checkout.first.json["processes"]}
    assert {*SERVICES, "expert-tasks", "ai_manager-tasks", "valkey", "supervisor"} <= names
    order = [f"{call['service']} {call['words'][0]}" for call in checkout.first_calls]
    assert set(order) == {*ONE_OFFS, *DOORS}
    assert order.index("ai_worker enrol") < order.index("ai_worker run")
    assert order.index("migrations expert") < order.index("expert create_admin") < order.index("expert serve")
    connect = next(call for call in checkout.first_calls if call["words"][0] == "connect_manager")
    assert connect["stdin"] == "token-of-issue_token-expert"
    assert connect["words"][:3] == ["connect_manager", "--name", "standalone"]
    enrol = next(call for call in checkout.first_calls if call["words"][0] == "enrol")
    assert enrol["stdin"] == "token-of-issue_enrolment-onnx-cpu"
    assert all(not name.startswith(("EXPERT_", "TRAPPER_")) for name in enrol["env"])


def test_a_second_start_does_only_what_is_missing(checkout: Checkout) -> None:
    assert checkout("down").code == 0
    checkout.called()
    (checkout.trapper.state_dir / "admin.json").unlink()
    assert checkout("up").code == 0
    assert set(checkout.called()) == {*DOORS, "expert create_admin"}


def test_credentials_are_private_and_go_to_commands_unseen(checkout: Checkout) -> None:
    state = checkout.trapper.state_dir
    admin = json.loads((state / "admin.json").read_text())
    operator = json.loads((state / "operator.json").read_text())
    assert {stat.S_IMODE((state / name).stat().st_mode) for name in ("admin.json", "operator.json")} == {0o600}
    created = next(call for call in checkout.first_calls if call["words"][0] == "create_admin")
    assert created["words"][1:3] == ["--email", admin["email"]]
    assert operator["token"] == "token-of-issue_token-operator"
    logs = "".join(path.read_text() for path in (state / "logs").iterdir())
    secrets = [created["stdin"], admin["password"], operator["token"], "token-of-issue_token-expert"]
    assert [word for word in secrets if word in logs + "\n".join(living(""))] == []


def test_services_that_die_come_back_at_their_ports(checkout: Checkout) -> None:
    before = checkout.trapper.look()
    victims = {each["name"]: each["pid"] for each in before["processes"] if each["name"].startswith(SERVICES)}
    assert len(victims) == 5
    for pid in victims.values():
        os.kill(pid, signal.SIGKILL)
    assert within(60, lambda: not any(is_alive(pid) for pid in victims.values()))
    assert within(60, lambda: checkout.trapper.look()["healthy"])
    assert checkout.trapper.look()["urls"] == before["urls"]
    assert checkout("doctor", "--json").code == 0


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ("migrations-expert", "migrations/run.py expert` failed with code 1"),
        ("expert-serve", "expert ended with code 1"),
    ],
)
def test_what_fails_is_named_with_its_last_words_and_nothing_keeps_running(
    fresh: Checkout, broken: str, sentence: str
) -> None:
    (fresh.root / f"break-{broken}").touch()
    answer = fresh("up")
    assert answer.code == 1
    assert sentence in answer.error
    assert f"{broken.replace('-', ' ')} is broken on purpose" in answer.error
    assert "Traceback" not in answer.error
    assert living(str(fresh.trapper.state_dir)) == []
    assert fresh.trapper.look()["healthy"] is False
