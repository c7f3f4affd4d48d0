"""Counts `Any` in source by member, and fails where there are more than allowed; the numbers may only fall."""

import ast
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALLOWED = Path(__file__).with_name("allowed.toml")


def count(folder: Path) -> int:
    """Return how often `Any` is used as a type below a folder."""
    trees = (ast.parse(path.read_text("utf-8")) for path in sorted(folder.rglob("*.py")))
    return sum(isinstance(node, ast.Name) and node.id == "Any" for tree in trees for node in ast.walk(tree))


def main() -> int:
    """Compare every member with its allowance."""
    allowed = tomllib.loads(ALLOWED.read_text("utf-8"))["allowed"]
    failed = 0
    for member, most in allowed.items():
        used = count(ROOT / member / "src")
        if used > most:
            print(f"{member} uses Any {used} times, {most} are allowed; name the type")  # noqa: T201
            failed = 1
        elif used < most:
            print(f"{member} uses Any {used} times; lower its number in {ALLOWED.relative_to(ROOT)} from {most}")  # noqa: T201
    return failed


if __name__ == "__main__":
    sys.exit(main())
