"""Writes docs/problems.md from the problem classes of every service and the failure codes of the wire."""

import importlib
import pkgutil

import ai_manager
import ai_worker
import expert
import trapper_kit
from trapper_kit.problems import REGISTRY
from trapper_schemas.v1.results import REPEATABLE, FailureCode

PACKAGES = ("trapper_kit", "expert", "ai_manager", "ai_worker")
HEAD = """# Problems

Generated; every refusal is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, `instance`
(the request id, as in the log) and, for fields, `errors: [{loc, code, message}]`. Types are stable for ever.

| type | status | title |
|---|---|---|
"""
FAILURES = """
## Why a resource failed

One bad file never stops the others. These codes stand in a job's outcomes and in `results.json` as a plain sentence;
"ask again" marks those that are not about the file itself, which the next run of the same folder repeats.

| code | ask again |
|---|---|
"""


def render() -> str:
    """The whole page."""
    for package in (trapper_kit, expert, ai_manager, ai_worker):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    ours = {name: kind for name, kind in REGISTRY.items() if kind.__module__.split(".")[0] in PACKAGES}
    rows = [f"| `{name}` | {kind.status} | {kind.title} |" for name, kind in sorted(ours.items())]
    codes = [f"| `{code.value}` | {'yes' if code in REPEATABLE else 'no'} |" for code in FailureCode]
    return HEAD + "\n".join(rows) + "\n" + FAILURES + "\n".join(codes) + "\n"


if __name__ == "__main__":
    print(render(), end="")  # noqa: T201 - this is what it is for
