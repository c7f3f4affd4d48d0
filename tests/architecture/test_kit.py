"""The kit holds what two programs would write twice: each module has two users, and all of it stays small."""

import ast
from functools import cache
from pathlib import Path

from tests.architecture.sources import text_of, tree_of

ROOT = Path(__file__).parents[2]
KIT = ROOT / "libs" / "trapper_kit" / "src"
MODULES = {
    ".".join(path.relative_to(KIT).with_suffix("").parts): path
    for path in KIT.rglob("*.py")
    if path.name != "__init__.py"
}
USERS = {
    "expert": ROOT / "services" / "expert" / "src",
    "ai_manager": ROOT / "services" / "ai_manager" / "src",
    "ai_worker": ROOT / "services" / "ai_worker" / "src",
    "trapper_cli": ROOT / "deploy" / "standalone" / "src",
}
MOST_LINES = 4_700


def imported(path: Path) -> set[str]:
    """The modules of the kit that a file imports."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names & set(MODULES)


@cache
def users() -> dict[str, set[str]]:
    """The programs that use each module, directly or through a module of the kit that they use."""
    using: dict[str, set[str]] = {module: set() for module in MODULES}
    waiting = [
        (module, service)
        for service, source in USERS.items()
        for path in source.rglob("*.py")
        for module in imported(path)
    ]
    while waiting:
        module, service = waiting.pop()
        if service not in using[module]:
            using[module].add(service)
            waiting += [(needed, service) for needed in imported(MODULES[module])]
    return using


def test_every_module_of_the_kit_has_two_users() -> None:
    assert len(MODULES) > 10
    lonely = {module: services for module, services in users().items() if len(services) < 2}
    assert lonely == {}, "what one service uses belongs into that service"


def test_the_kit_stays_small() -> None:
    lines = sum(len(text_of(path).splitlines()) for path in MODULES.values())
    assert lines <= MOST_LINES, f"{lines} lines; move to a service what only that service needs"
