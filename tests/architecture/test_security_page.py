"""Every requirement of ASVS 5.0.0, levels 1 and 2, is in docs/security.md once, and names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
COUNTS = {
    1: (2, 9, 11, 3, 2),
    2: (3, 3, 4, 1),
    3: (0, 2, 4, 6, 5, 0, 2),
    4: (3, 1, 2, 4),
    5: (1, 3, 2, 3),
    6: (3, 12, 4, 4, 5, 3, 0, 4),
    7: (3, 4, 2, 5, 2, 2),
    8: (2, 3, 1, 1),
    9: (3, 4),
    11: (2, 3, 3, 4, 1, 1),
    12: (3, 2, 4),
    13: (1, 5, 2, 5),
    14: (2, 4, 3),
    15: (3, 3, 7),
    16: (1, 5, 4, 3, 3),
}
"""How many requirements of levels 1 and 2 each section of a chapter begins with; those of level 3 follow them."""
REQUIREMENTS = {
    f"{chapter}.{section}.{number}"
    for chapter, counts in COUNTS.items()
    for section, count in enumerate(counts, start=1)
    for number in range(1, count + 1)
}
WITHOUT_TEST = {"6.3.3", "11.1.1", "11.1.2", "14.1.1", "14.1.2", "14.2.4", "16.4.3"}
"""Met or not by what the page itself says."""


def rows() -> list[list[str]]:
    """The cells of each requirement that applies."""
    page = (ROOT / "docs/security.md").read_text("utf-8")
    lines = page.partition("## What does not apply")[0].splitlines()
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| \d+\.\d+\.\d+ ", line)
    ]


def test_every_requirement_of_levels_1_and_2_is_answered_once() -> None:
    page = (ROOT / "docs/security.md").read_text("utf-8")
    left_out = page.partition("## What does not apply")[2].partition("## ")[0]
    numbers = [cells[0] for cells in rows()] + re.findall(r"\b\d+\.\d+\.\d+\b", "".join(_first_cells(left_out)))
    assert sorted(numbers) == sorted(REQUIREMENTS)
    assert "V10 (OAuth) does not apply" in left_out
    assert "V17 (WebRTC) does not apply" in left_out


def _first_cells(table: str) -> list[str]:
    return [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]


def test_every_requirement_names_tests_that_exist() -> None:
    for cells in rows():
        number, named = cells[0], re.findall(r"`([\w/]+\.py)`", cells[3])
        assert named or number in WITHOUT_TEST, number
        for name in named:
            assert "def test_" in (ROOT / "tests" / name).read_text("utf-8"), (number, name)


def test_what_is_not_met_is_explained() -> None:
    page = (ROOT / "docs/security.md").read_text("utf-8")
    explained = page.partition("## What is not met")[2].partition("\n## ")[0]
    open_numbers = {cells[0] for cells in rows() if "**not met**" in cells[2]}
    assert open_numbers
    assert [number for number in sorted(open_numbers) if number not in explained] == []
