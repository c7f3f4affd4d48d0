"""Asks for known vulnerabilities of what the locks pin; exit 0: none known, 1: some, 3: no answer.

Python's locks are checked with pip-audit, each `package-lock.json` of the repository with `npm audit`.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NONE_KNOWN, SOME_KNOWN, NO_ANSWER = 0, 1, 3


class NoAnswerError(Exception):
    """The service of advisories gave no answer: no network, or it failed."""


def _document(command: Sequence[str], folder: Path) -> dict[str, Any]:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        return json.loads(result.stdout)
    except ValueError:
        lines = (result.stderr or result.stdout).strip().splitlines()
        raise NoAnswerError(lines[-1] if lines else f"{command[0]} ended with {result.returncode}") from None


def audit_lock(lock: Path, more: Sequence[str] = ()) -> list[str]:
    """The advisories about the pins of a lock; raises NoAnswerError."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes", "--disable-pip"]
    document = _document([*command, "--progress-spinner", "off", "--format", "json", *more], ROOT)
    return [
        f"{package['name']} {package['version']}: {advisory['id']}, mended in {advisory['fix_versions'] or 'none'}"
        for package in document["dependencies"]
        for advisory in package.get("vulns", [])
    ]


def audit_npm(lock: Path) -> list[str]:
    """The advisories about the packages of a package-lock.json; raises NoAnswerError."""
    document = _document(["npm", "audit", "--json", "--package-lock-only"], lock.parent)
    if "vulnerabilities" not in document:
        raise NoAnswerError(str(document.get("message") or document.get("error") or "npm audit gave no list"))
    return [f"{name}: {entry['severity']}" for name, entry in document["vulnerabilities"].items()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was found in each lock; the worst of them decides the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", type=Path, action="append", help="instead of all locks of the repository")
    parser.add_argument("--osv-url", help="ask an OSV service at this address instead of PyPI")
    options = parser.parse_args(arguments)
    locks: list[Path] = options.lock or [ROOT / "requirements.lock", *sorted((ROOT / "deploy/locks").glob("*.lock"))]
    if not options.lock:
        tracked = subprocess.run(
            ["git", "ls-files", "*package-lock.json"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        locks += [ROOT / name for name in tracked.stdout.split()]
    more = ["--vulnerability-service", "osv", "--osv-url", options.osv_url] if options.osv_url else []
    status = NONE_KNOWN
    for lock in locks:
        try:
            found = audit_npm(lock) if lock.name == "package-lock.json" else audit_lock(lock, more)
        except NoAnswerError as problem:
            print(f"{lock.name}: the vulnerability service did not answer: {problem}")
            status = status or NO_ANSWER
            continue
        print(f"{lock.name}: {len(found) or 'no'} known vulnerabilities", *found, sep="\n  ")
        status = SOME_KNOWN if found else status
    return status


if __name__ == "__main__":
    sys.exit(main())
