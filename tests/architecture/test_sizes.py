"""Files and functions stay small enough to be read in one go; above the softer bound they are reported."""

import ast
from pathlib import Path

from tests.architecture.sources import text_of, tree_of

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "libs" / "trapper_client" / "src" / "trapper_client" / "contract.py"
CODE = [
    path
    for folder in ("libs", "services", "deploy")
    for path in ROOT.glob(f"{folder}/*/src/**/*.py")
    if path != GENERATED
]
BEST_LINES, MOST_LINES, MOST_FUNCTION_LINES = 250, 600, 80


def test_no_file_is_longer_than_anybody_would_read() -> None:
    assert CODE
    lengths = {path.relative_to(ROOT): len(text_of(path).splitlines()) for path in CODE}
    for path, length in lengths.items():
        if length > BEST_LINES:
            print(f"{path} has {length} lines; does it have one subject?")  # noqa: T201 - a report, not a failure
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_no_function_is_longer_than_a_screen_or_two() -> None:
    long: list[str] = []
    for path in CODE:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MOST_FUNCTION_LINES:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {length} lines")
    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in CODE
        if text_of(path).strip() and ast.get_docstring(tree_of(path)) is None
    ]
    assert silent == []
