"""Every refusal that a client can meet is in docs/problems.md, which is generated from the classes."""

from pathlib import Path

from tests.architecture.problem_page import render

ROOT = Path(__file__).parents[2]


def test_the_page_of_problems_is_up_to_date() -> None:
    page = (ROOT / "docs" / "problems.md").read_text("utf-8")
    assert page == render(), "run: .venv/bin/python -m tests.architecture.problem_page > docs/problems.md"


def test_every_problem_type_is_kebab_case_and_stable() -> None:
    types = [line.split("`")[1] for line in render().splitlines() if line.startswith("| `")]
    assert len(types) == len(set(types))
    assert all(name == name.lower() and " " not in name and "_" not in name for name in types)
