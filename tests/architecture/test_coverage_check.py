"""The check of a coverage report finds what it is there to find."""

from typing import Any

from deploy.coverage.check import find_gaps

CODEC = "libs/trapper_schemas/src/trapper_schemas/codec.py"
ROUTES = "services/expert/src/expert/jobs/routes.py"


def report(covered: int, **files: Any) -> dict[str, Any]:
    return {"totals": {"covered_branches": covered, "num_branches": 100}, "files": files}


def test_a_report_that_meets_everything_has_no_gap() -> None:
    missing = {"missing_lines": [3], "missing_branches": [[2, 3]]}
    assert find_gaps(report(90, **{CODEC: {"missing_lines": [], "missing_branches": []}, ROUTES: missing})) == []


def test_too_few_branches_and_an_incomplete_codec_are_named() -> None:
    assert find_gaps(report(89, **{CODEC: {"missing_lines": [7, 9], "missing_branches": [[6, 7], [12, -1]]}})) == [
        "89.0 % of the branches are reached, not 90 %",
        f"{CODEC}: lines 7, 9 are never reached",
        f"{CODEC}: the branch from line 6 to 7 is never taken",
        f"{CODEC}: the branch from line 12 to the end is never taken",
    ]
