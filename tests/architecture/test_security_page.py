"""Each requirement of docs/security.md names a test that exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_requirement_names_tests_that_exist() -> None:
    page = (ROOT / "docs/security.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if re.match(r"\| V\d+ ", line)]
    assert len(rows) >= 17
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 4, row
        named = re.findall(r"`([\w/]+\.py)`", cells[3])
        assert named, row
        for name in named:
            assert "def test_" in (ROOT / "tests" / name).read_text("utf-8"), row


def test_every_chapter_of_asvs_is_met_or_said_not_to_apply() -> None:
    page = (ROOT / "docs/security.md").read_text("utf-8")
    chapters = {int(number) for number in re.findall(r"^\| V(\d+) ", page, re.MULTILINE)}
    left_out = {int(number) for number in re.findall(r"\bV(\d+) \(", page)}
    assert chapters | left_out == set(range(1, 18))
