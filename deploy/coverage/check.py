"""Compares a coverage report with what it must reach: most branches of everything, and all of what decides.

Usage: check.py REPORT, a file of `coverage json`. Prints what is missing; the exit code is 1 when something is.
"""

import json
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

BRANCHES_PERCENT = 90.0
COMPLETE = ("*/state.py", "*/codec.py", "*/batches/claim.py", "*/leases/*.py")
"""State machines, the codec of results, and the claim protocol on both sides: every line and branch."""


def find_gaps(report: dict[str, Any]) -> list[str]:
    """A sentence for each requirement that a `coverage json` document does not meet."""
    totals = report["totals"]
    percent = 100.0 * totals["covered_branches"] / max(totals["num_branches"], 1)
    gaps = (
        []
        if percent >= BRANCHES_PERCENT
        else [f"{percent:.1f} % of the branches are reached, not {BRANCHES_PERCENT:g} %"]
    )
    files = {name: file for name, file in report["files"].items() if any(fnmatch(name, part) for part in COMPLETE)}
    for name, file in sorted(files.items()):
        if file["missing_lines"]:
            gaps.append(f"{name}: lines {', '.join(map(str, file['missing_lines']))} are never reached")
        for begin, end in file.get("missing_branches", ()):
            gaps.append(f"{name}: the branch from line {begin} to {end if end > 0 else 'the end'} is never taken")
    return gaps


def main() -> int:
    report = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    gaps = find_gaps(report)
    for gap in gaps:
        sys.stdout.write(gap + "\n")
    totals = report["totals"]
    sys.stdout.write(f"branches: {totals['covered_branches']} of {totals['num_branches']}\n")
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
