"""Finds, by reading the source, which refusals each route can raise: a walk over the calls that imports resolve."""

import ast
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from trapper_kit.problems import REGISTRY, Problem

PACKAGES = ("expert", "ai_manager", "ai_worker", "trapper_kit")
Place = tuple[str, str]
"""A module, and a function in it; a method as `Class.method`."""
Types = frozenset[str]
NOTHING: Types = frozenset()


@dataclass
class Module:
    """The functions of a module, and what its imported names stand for."""

    name: str
    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef]
    imported: dict[str, str]


@cache
def module_of(name: str) -> Module | None:
    """A parsed module of ours, or None."""
    if name.split(".", maxsplit=1)[0] not in PACKAGES:
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    tree = ast.parse(Path(spec.origin).read_text("utf-8"))
    return Module(name, dict(_functions(tree)), dict(_imports(tree)))


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in tree.body:
        parts = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for part in parts:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{prefix}{part.name}", part


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)


_known: dict[Place, Types] = {}


def raised_by(place: Place, above: frozenset[Place] = frozenset()) -> Types:
    """The types of the refusals that leave a function: its own, and those of what it calls and does not catch."""
    if place in _known or place in above:
        return _known.get(place, NOTHING)
    module = module_of(place[0])
    node = module.functions.get(place[1]) if module else None
    if module is None or node is None:
        return NOTHING
    walk = _Walk(module, place, above | {place}, _local_names(node))
    raised = frozenset(kind for statement in node.body for kind in walk.visit(statement, NOTHING))
    if not above:  # complete: what was cut off at a cycle is in it
        _known[place] = raised
    return raised


@dataclass(frozen=True)
class _Walk:
    module: Module
    place: Place
    above: frozenset[Place]
    local_names: frozenset[str]

    def visit(self, node: ast.AST, caught: Types) -> Iterator[str]:
        """The refusals that leave a part of a function."""
        if isinstance(node, ast.Try):
            inside = caught | frozenset(kind for handler in node.handlers for kind in _caught(handler))
            yield from self._all(node.body, inside)
            yield from self._all([*node.handlers, *node.orelse, *node.finalbody], caught)
            return
        if isinstance(node, ast.With | ast.AsyncWith):
            inside = caught | frozenset(kind for item in node.items for kind in _suppressed(item.context_expr))
            yield from self._all(node.items, caught)
            yield from self._all(node.body, inside)
            return
        own = NOTHING
        if isinstance(node, ast.Call):
            kind = _constructed(node)
            own = frozenset({kind} if kind else ())
            if any(word.arg == "missing" for word in node.keywords):  # the refusal that replaces NotFound
                caught |= {"not-found"}
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
            own = frozenset(_named(node.exc.id))
        elif isinstance(node, ast.Name | ast.Attribute):
            own = frozenset(kind for place in self._targets(node) for kind in raised_by(place, self.above))
        yield from own - caught
        yield from self._all(ast.iter_child_nodes(node), caught)

    def _all(self, nodes: Iterable[ast.AST], caught: Types) -> Iterator[str]:
        for node in nodes:
            yield from self.visit(node, caught)

    def _targets(self, node: ast.Name | ast.Attribute) -> Iterator[Place]:
        """Functions that a name may stand for: called, or handed on."""
        if isinstance(node, ast.Name):
            if node.id in self.local_names:
                return
            if node.id in self.module.functions:
                yield self.module.name, node.id
            elif node.id in self.module.imported:
                owner, _, name = self.module.imported[node.id].rpartition(".")
                yield owner, name
        elif isinstance(node.value, ast.Name):
            target = self.module.imported.get(node.value.id)
            if target:
                owner, _, name = target.rpartition(".")
                yield target, node.attr
                yield owner, f"{name}.{node.attr}"
            elif node.value.id in {"self", "cls"} and "." in self.place[1]:
                yield self.module.name, f"{self.place[1].split('.', maxsplit=1)[0]}.{node.attr}"


def _local_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    stored = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return frozenset(stored | {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)})


def _named(name: str) -> set[str]:
    """The type of the refusal with this class name; every type for the base of all."""
    if name in {Problem.__name__, Exception.__name__}:
        return set(REGISTRY)
    return {kind.type for kind in REGISTRY.values() if kind.__qualname__ == name}


def _constructed(call: ast.Call) -> str | None:
    """The refusal that a call makes: `X(...)` or `X.field(...)`; whether it is raised here or handed on is the same."""
    target = call.func
    if isinstance(target, ast.Attribute):
        target = target.value
    names = _named(target.id) if isinstance(target, ast.Name) else set[str]()
    return names.pop() if len(names) == 1 else None


def _caught(handler: ast.ExceptHandler) -> set[str]:
    """Types that a handler names and does not raise again."""
    if any(isinstance(part, ast.Raise) and part.exc is None for part in ast.walk(handler)):
        return set()
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {kind for name in names if isinstance(name, ast.Name) for kind in _named(name.id)}


def _suppressed(node: ast.expr) -> set[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "suppress":
        return {kind for name in node.args if isinstance(name, ast.Name) for kind in _named(name.id)}
    return set()
