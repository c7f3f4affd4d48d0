"""Every task message that is enqueued is a declared task with those parameters, and has a sweep that does the same."""

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import ai_manager.settings
import ai_manager.tasks
import expert.settings
import expert.tasks
from tests.architecture.sources import tree_of
from trapper_kit.broker import Task, TaskBook

ROOT = Path(__file__).parents[2]
BOOKS: dict[str, TaskBook] = {"expert": expert.tasks.BOOK, "ai_manager": ai_manager.tasks.BOOK}
INTERVALS: dict[str, Any] = {"expert": expert.settings.Intervals(), "ai_manager": ai_manager.settings.Intervals()}
SENDERS = {"enqueue_after_commit": 1, "TaskMessage": 0}
"""What makes a message, and which of its positional arguments is the name of the task."""


@dataclass(frozen=True)
class Sent:
    """A place that makes a task message; what cannot be read from the source is None."""

    place: str
    task: str | None
    arguments: frozenset[str] | None


def messages_of(tree: ast.Module, place: str = "") -> Iterator[Sent]:
    """The messages that a module makes, however they are written."""
    names = {sender: sender for sender in SENDERS}
    constants: dict[str, str | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname and alias.name in SENDERS}
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            text = node.value.value if isinstance(node.value, ast.Constant) else None
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):  # assigned twice: it is not known which
                    constants[target.id] = str(text) if text is not None and target.id not in constants else None
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (sender := names.get(_last_name(node.func))):
            yield _sent(node, sender, constants, f"{place}:{node.lineno}")
        elif isinstance(node, ast.Name | ast.Attribute) and _last_name(node) in names and id(node) not in called:
            yield Sent(f"{place}:{node.lineno}", None, None)  # handed on, for example to a partial


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _sent(call: ast.Call, sender: str, constants: dict[str, str | None], place: str) -> Sent:
    position = SENDERS[sender]
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    named = call.args[position] if len(call.args) > position else keywords.pop("actor", None)
    keywords.pop("db", None)
    task = named.value if isinstance(named, ast.Constant) else constants.get(_last_name(named)) if named else None
    if sender == "TaskMessage":
        given = call.args[1] if len(call.args) > 1 else keywords.get("arguments")
        return Sent(place, None if task is None else str(task), _keys(given) if given else frozenset())
    arguments = frozenset(name for name in keywords if name is not None)
    more = _keys(keywords[None]) if None in keywords else frozenset[str]()  # **something
    return Sent(place, None if task is None else str(task), None if more is None else arguments | more)


def _keys(node: ast.expr) -> frozenset[str] | None:
    if not isinstance(node, ast.Dict) or not all(isinstance(key, ast.Constant) for key in node.keys):
        return None
    return frozenset(str(key.value) for key in node.keys if isinstance(key, ast.Constant))


def problem_of(message: Sent, book: TaskBook) -> str | None:
    """What is wrong with a message, in a sentence."""
    if message.task is None or message.arguments is None:
        return f"{message.place}: write the name and the arguments of the message out"
    task = book.tasks.get(message.task)
    if task is None:
        return f"{message.place}: enqueues {message.task}, which is not declared"
    parameters = list(inspect.signature(task.run).parameters)[1:]
    if message.arguments != frozenset(parameters):
        return f"{message.place}: enqueues {message.task}({sorted(message.arguments)}), declared with {parameters}"
    return None


@pytest.mark.parametrize("service", BOOKS)
def test_every_message_is_a_declared_task_with_its_parameters(service: str) -> None:
    sent = [
        message
        for path in (ROOT / "services" / service / "src").rglob("*.py")
        for message in messages_of(tree_of(path), str(path.relative_to(ROOT)))
    ]
    assert sent
    assert [problem for message in sent if (problem := problem_of(message, BOOKS[service]))] == []


@pytest.mark.parametrize(
    ("source", "task", "arguments"),
    [
        ('enqueue_after_commit(db, "jobs.plan", job_id=1)', "jobs.plan", {"job_id"}),
        ('enqueue_after_commit(db, actor="jobs.plan", job_id=1)', "jobs.plan", {"job_id"}),
        ('enqueue_after_commit(db=db, actor="jobs.plan", **{"job_id": 1})', "jobs.plan", {"job_id"}),
        ('NAME = "jobs.plan"\nenqueue_after_commit(db, NAME, job_id=1)', "jobs.plan", {"job_id"}),
        ('kit.db.enqueue_after_commit(db, "jobs.cover")', "jobs.cover", set[str]()),
        ('from trapper_kit.db import enqueue_after_commit as send\nsend(db, "jobs.cover")', "jobs.cover", set[str]()),
        ('TaskMessage("jobs.plan", {"job_id": 1})', "jobs.plan", {"job_id"}),
        ('TaskMessage(actor="jobs.plan", arguments={"job_id": 1})', "jobs.plan", {"job_id"}),
        ('TaskMessage("jobs.plan", arguments)', "jobs.plan", None),
        ("enqueue_after_commit(db, name, job_id=1)", None, {"job_id"}),
        ('name = "a"\nname = "b"\nenqueue_after_commit(db, name)', None, set[str]()),
        ('enqueue_after_commit(db, "jobs.plan", **arguments)', "jobs.plan", None),
        ("partial(enqueue_after_commit, db)", None, None),
    ],
)
def test_messages_are_seen_however_they_are_written(source: str, task: str | None, arguments: set[str] | None) -> None:
    (message,) = messages_of(ast.parse(source))
    assert (message.task, message.arguments) == (task, arguments)


def verbs(function: Callable[..., Any], service: str, *, depth: int) -> set[Callable[..., Any]]:
    """The coroutine functions of a service that a function refers to, and those that they refer to."""
    direct = {
        value
        for name in _names(function.__code__)
        if inspect.iscoroutinefunction(value := function.__globals__.get(name)) and value.__module__.startswith(service)
    }
    return direct.union(*(verbs(verb, service, depth=depth - 1) for verb in direct)) if depth > 1 else direct


def _names(code: CodeType) -> set[str]:
    inner = [_names(part) for part in code.co_consts if isinstance(part, CodeType)]
    return set(code.co_names).union(*inner)


@pytest.mark.parametrize(
    ("service", "task"), [(service, task) for service, book in BOOKS.items() for task in book.tasks.values()]
)
def test_every_message_has_a_sweep_that_does_what_it_does(service: str, task: Task) -> None:
    if task.every is not None:
        assert list(inspect.signature(task.run).parameters)[1:] == [], "a sweep takes no ids"
        assert task.swept_by is None
        return
    assert task.swept_by is not None, f"{task.name} may be lost: name the sweep that finds its rows (swept_by)"
    sweep = BOOKS[service].tasks.get(task.swept_by)
    assert sweep is not None
    assert sweep.every is not None
    work = verbs(task.run, service, depth=1)
    assert work
    assert work <= verbs(sweep.run, service, depth=3), f"{sweep.name} does not do what {task.name} does"


@pytest.mark.parametrize("service", BOOKS)
def test_every_sweep_names_an_interval_of_the_settings(service: str) -> None:
    for task in BOOKS[service].sweeps():
        group, _, name = (task.every or "").partition(".")
        assert group == "intervals"
        assert getattr(INTERVALS[service], name) > 0
