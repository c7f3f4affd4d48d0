"""Looks for what keeps this worker from working; every finding is one plain sentence."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from ai_worker.batches import queries
from ai_worker.enrolment.credential import Credential, read_credential
from ai_worker.manager_client import Manager
from ai_worker.results import queries as results
from ai_worker.settings import WorkerSettings
from ai_worker.tables import migrate
from ai_worker.tasks import choose_runtime
from trapper_kit.db import Database, DatabaseUnavailable
from trapper_kit.problems import Problem

_OPEN_TO_OTHERS = 0o077


@dataclass(frozen=True)
class Finding:
    """One check and what it found."""

    name: str
    ok: bool
    found: str
    detail: str = ""


async def examine(settings: WorkerSettings) -> list[Finding]:
    """Every check, also after one has failed."""
    checks: list[tuple[str, Callable[[WorkerSettings], Awaitable[str]]]] = [
        ("state folder", _folder),
        ("credential", _credential),
        ("runtime", _runtime),
        ("manager", _manager),
        ("work in hand", _hand),
        ("results", _results),
    ]
    return [await _ask(name, check, settings) for name, check in checks]


def as_document(findings: list[Finding]) -> dict[str, object]:
    """The findings as `doctor --json` prints them."""
    return {"ok": all(finding.ok for finding in findings), "checks": [asdict(finding) for finding in findings]}


class _Ill(Exception):  # noqa: N818 - named after what is the case
    """A check failed; the message says what was found."""


async def _ask(name: str, check: Callable[[WorkerSettings], Awaitable[str]], settings: WorkerSettings) -> Finding:
    try:
        return Finding(name, ok=True, found=await check(settings))
    except _Ill as ill:
        return Finding(name, ok=False, found=str(ill))
    except Problem as problem:
        return Finding(name, ok=False, found=str(problem), detail=problem.type)
    except (*DatabaseUnavailable, OSError) as problem:
        return Finding(name, ok=False, found="it cannot be read", detail=str(problem))


async def _folder(settings: WorkerSettings) -> str:
    settings.make_folders()
    free = shutil.disk_usage(settings.state_dir).free
    if free < settings.min_free_bytes:
        raise _Ill(f"{free} bytes are free, and at least {settings.min_free_bytes} are needed to claim")
    return f"{free} bytes are free"


async def _credential(settings: WorkerSettings) -> str:
    credential = read_credential(settings)
    for secret in (settings.credential_file, settings.local_token_file):
        if secret.exists() and secret.stat().st_mode & _OPEN_TO_OTHERS:
            raise _Ill(f"{secret} can be read by others")
    return f"{credential.name}, {credential.worker_id}"


async def _runtime(settings: WorkerSettings) -> str:
    return choose_runtime(settings)


async def _manager(settings: WorkerSettings) -> str:
    credential: Credential = read_credential(settings)
    url = settings.manager_url or credential.manager_url
    secret = credential.credential.get_secret_value()
    manager = Manager.at(url, token=secret, allowed=settings.allowed_addresses)
    try:
        await manager.check()
    finally:
        await manager.close()
    return f"{url} answers"


async def _hand(settings: WorkerSettings) -> str:
    await asyncio.to_thread(migrate, settings.database_file)
    database = Database.open_file(settings.database_file)
    try:
        async with database.begin() as db:
            counts = await queries.counts(db)
    finally:
        await database.close()
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "nothing yet"


async def _results(settings: WorkerSettings) -> str:
    database = Database.open_file(settings.database_file)
    try:
        async with database.begin() as db:
            refused = await results.refused(db)
            waiting, size = await results.waiting_bytes(db)
    finally:
        await database.close()
    if refused:
        raise _Ill(f"the Manager refused {len(refused)} results, last of batch {refused[0].batch_id}")
    if size > settings.spool_limit_bytes:
        raise _Ill(f"{waiting} results with {size} bytes wait for the Manager; nothing is claimed until they are gone")
    return f"{waiting} wait for the Manager"
