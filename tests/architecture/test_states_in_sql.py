"""SQL that is written by hand names states by their enum; in invariants a literal is at least one of the enum's."""

import ast
import importlib
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from tests.architecture.sources import tree_of

ROOT = Path(__file__).parents[2]
SERVICES = ("expert", "ai_manager")
COMPARED = re.compile(r"\b(?:state|stage|outcome|type|role)\s*(?:=|<>|in|not in)\s*(\([^)]*\)|'\w*')")
QUOTED = re.compile(r"'(\w+)'")


def compared(service: str) -> Iterator[tuple[Path, str]]:
    """The literals with which the statements of a service compare a state, and where."""
    for path in sorted((ROOT / "services" / service / "src").glob(f"{service}/*/queries*.py")):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for match in COMPARED.finditer(node.value):
                    yield from ((path, literal) for literal in QUOTED.findall(match.group(1)))


def members(service: str) -> set[str]:
    """The values of all enums of a service's states."""
    paths = (ROOT / "services" / service / "src").glob(f"{service}/*/state.py")
    modules = [importlib.import_module(f"{service}.{path.parent.name}.state") for path in paths]
    kinds = [kind for module in modules for kind in vars(module).values() if isinstance(kind, type)]
    return {member.value for kind in kinds if issubclass(kind, StrEnum) for member in kind}


@pytest.mark.parametrize("service", SERVICES)
def test_states_in_statements_are_members_of_an_enum(service: str) -> None:
    literals = list(compared(service))
    assert len(literals) > 5
    assert [str(path) for path, _ in literals if path.name != "queries_invariants.py"] == [], "name the enum's member"
    assert {literal for _, literal in literals} - members(service) == set()
