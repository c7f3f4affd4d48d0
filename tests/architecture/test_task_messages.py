"""Every inner notification that is rung has an actor with those arguments, and a sweep that finds what nobody heard."""

import ast
import inspect
from pathlib import Path

import pytest

import ai_manager.tasks
import expert.tasks
from trapper_kit.broker import TaskBook

ROOT = Path(__file__).parents[2]
BOOKS: dict[str, TaskBook] = {"expert": expert.tasks.BOOK, "ai_manager": ai_manager.tasks.BOOK}


def sent(service: str) -> list[tuple[str, str, set[str]]]:
    """Where `enqueue_after_commit(db, "name", argument=…)` stands, with the name and the arguments."""
    found: list[tuple[str, str, set[str]]] = []
    for path in (ROOT / "services" / service / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "enqueue_after_commit"
            ):
                name = node.args[1]
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno} rings a name that is not written out"
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                found.append((place, str(name.value), {str(one.arg) for one in node.keywords}))
    return found


@pytest.mark.parametrize("service", BOOKS)
def test_every_notification_has_an_actor_with_its_arguments(service: str) -> None:
    messages = sent(service)
    assert messages
    for place, name, arguments in messages:
        task = BOOKS[service].tasks.get(name)
        assert task is not None, f"{place} rings {name}, which nobody declared"
        parameters = list(inspect.signature(task.run).parameters)[1:]
        assert arguments == set(parameters), f"{place} rings {name}({arguments}), declared with {parameters}"


@pytest.mark.parametrize("service", BOOKS)
def test_every_feature_with_an_actor_has_a_sweep(service: str) -> None:
    swept = {task.name.split(".")[0] for task in BOOKS[service].sweeps()}
    belled = {task.name.split(".")[0] for task in BOOKS[service].tasks.values() if task.every is None}
    assert belled - swept == set()


@pytest.mark.parametrize("service", BOOKS)
def test_every_sweep_names_an_interval_of_the_settings(service: str) -> None:
    module = {"expert": "expert.settings", "ai_manager": "ai_manager.settings"}[service]
    intervals = __import__(module, fromlist=["Intervals"]).Intervals()
    for task in BOOKS[service].sweeps():
        group, _, name = (task.every or "").partition(".")
        assert group == "intervals"
        assert getattr(intervals, name) > 0
