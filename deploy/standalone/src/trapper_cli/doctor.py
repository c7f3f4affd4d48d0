"""Checks a live stack: processes, files, disk, and the invariants that each service checks of itself."""

import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

from trapper_cli import private_files, secret_store, status
from trapper_cli.environments import SERVICES, TASK_PROCESSES, addresses, environments
from trapper_cli.errors import StackError
from trapper_cli.layout import NEEDED_BYTES, Layout
from trapper_cli.settings import StackSettings
from trapper_cli.supervision import state
from trapper_cli.supervision.program import get

Check = dict[str, Any]
LONGEST = 120.0


def examine(settings: StackSettings) -> dict[str, Any]:
    """Every check, in one object; `ok` when and only when all of them hold."""
    layout = Layout(settings.state_dir)
    seen = status.look(settings.state_dir)
    checks = [*_processes(seen), *_files(layout), _disk(layout)]
    if seen["phase"] != "stopped":
        checks += [*check_sweeps(seen), *_services(settings, layout)]
    return {"ok": all(check["ok"] for check in checks), "checks": checks}


def _check(name: str, wrong: list[str], advice: str) -> Check:
    detail = f"{'; '.join(wrong)}. {advice}" if wrong else ""
    return {"name": name, "ok": not wrong, "found": len(wrong), "detail": detail}


def _processes(seen: dict[str, Any]) -> Iterator[Check]:
    stopped = seen["phase"] == "stopped"
    yield _check("stack: it runs", ["it is not running"] if stopped else [], "Start it with `trapper up`.")
    if not stopped:
        wrong = [f"{each['name']} is {each['state']}" for each in seen["processes"] if each["state"] != "running"]
        yield _check("stack: every process runs and answers", wrong, f"Look into the logs in {seen['logs']}.")


def check_sweeps(seen: dict[str, Any]) -> Iterator[Check]:
    """Each task process says which of its sweeps had no good turn for ten intervals."""
    for name in TASK_PROCESSES:
        if name not in seen["urls"]:
            continue
        status_code, body = get(f"{seen['urls'][name]}/readyz")
        wrong = [] if status_code == HTTPStatus.OK else [_detail(body) or "it does not answer"]
        log = f"{seen['logs']}/{name}.log"
        yield _check(f"{name}: every sweep succeeded lately", wrong, f"Look for `sweep.failed` in {log}.")


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return ""


def _files(layout: Layout) -> Iterator[Check]:
    existing = [path for path in layout.private_files if path.exists()]
    wrong = [str(path) for path in existing if stat.S_IMODE(path.stat().st_mode) != private_files.PRIVATE]
    yield _check("stack: files with secrets are private", wrong, "Run `chmod 600` on them.")
    missing = [str(path) for path in (layout.secrets, layout.admin) if layout.state.exists() and not path.exists()]
    yield _check("stack: files with secrets are there", missing, "Put them back from a copy.")


def _disk(layout: Layout) -> Check:
    place = next(folder for folder in (layout.root, *layout.root.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    wrong = [f"{free >> 20} MB are free where {layout.root} is"] if free < NEEDED_BYTES else []
    return _check("stack: there is room on the disk", wrong, f"Make room: {NEEDED_BYTES >> 20} MB are needed.")


def _services(settings: StackSettings, layout: Layout) -> list[Check]:
    stack_state = state.read(layout.state)
    if stack_state is None:
        return [_check("stack: its state can be read", [f"{layout.state} is missing or damaged"], "Restart the stack.")]
    try:
        secrets = secret_store.load(layout.secrets, data_exists=True)
    except StackError as problem:
        return [_check("stack: its secrets can be read", [problem.message], problem.hint)]
    envs = environments(settings, layout, secrets, addresses(settings, secrets, stack_state.ports))
    with ThreadPoolExecutor(max_workers=len(SERVICES)) as pool:
        answers = pool.map(lambda service: _ask(service, envs[service], settings.root), SERVICES)
        return [check for checks in answers for check in checks]


def _ask(service: str, env: dict[str, str], root: Path) -> list[Check]:
    """A service's own checks; one that does not answer is a check that failed."""
    try:
        completed = subprocess.run(  # noqa: S603  our own module
            [sys.executable, "-m", f"{service}.commands", "doctor", "--json"],
            env=env,
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [_check(f"{service}: doctor", [f"it did not end within {LONGEST:.0f} seconds"], "Try again.")]
    text = completed.stdout.decode(errors="replace")
    try:
        checks: list[Check] = json.loads(text[text.index("{") :])["checks"]
    except (ValueError, KeyError):
        words = completed.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        return [_check(f"{service}: doctor", words, f"It ended with code {completed.returncode}.")]
    return [check | {"name": f"{service}: {check['name']}"} for check in checks]
