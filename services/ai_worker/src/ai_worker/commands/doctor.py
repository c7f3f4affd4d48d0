"""Checks what may keep this worker from working; every finding is one plain sentence."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from importlib.metadata import distributions

from ai_worker.batches import queries
from ai_worker.commands.words import bytes_in_words
from ai_worker.devices.start_devices import children_of, choose_devices, start_devices
from ai_worker.enrolment.credential import Credential, read_credential
from ai_worker.manager_client import Manager
from ai_worker.model_store.weights_store import WeightsStore
from ai_worker.results import queries as results
from ai_worker.settings import WorkerSettings
from ai_worker.tables import migrate
from ai_worker.tasks import is_held
from trapper_kit.db import Database, DatabaseUnavailable
from trapper_kit.problems import Problem

_OPEN_TO_GROUP_OR_WORLD = 0o077
_ONNX_RUNTIMES = frozenset({"onnxruntime", "onnxruntime-gpu", "onnxruntime-migraphx", "onnxruntime-openvino"})


@dataclass(frozen=True)
class Finding:
    """One check and its finding."""

    name: str
    ok: bool
    found: str
    detail: str = ""


async def examine(settings: WorkerSettings) -> list[Finding]:
    """Runs every check, also after one has failed."""
    checks: list[tuple[str, Callable[[WorkerSettings], Awaitable[str]]]] = [
        ("state folder", _folder),
        ("credential", _credential),
        ("runtime", _runtime),
        ("devices", _devices),
        ("weights", _weights),
        ("manager", _manager),
        ("runs", _runs),
        ("results", _results),
    ]
    return [await _ask(name, check, settings) for name, check in checks]


def as_document(findings: list[Finding]) -> dict[str, object]:
    """Returns the findings as `doctor --json` prints them."""
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
        if secret.exists() and secret.stat().st_mode & _OPEN_TO_GROUP_OR_WORLD:
            raise _Ill(f"{secret} can be read by others")
    return f"{credential.name}, {credential.worker_id}"


async def _runtime(settings: WorkerSettings) -> str:
    _check_packages()
    return (await choose_devices(settings, _enrolled_for(settings))).runtime


async def _devices(settings: WorkerSettings) -> str:
    """Tests every device, unless a running worker of this folder uses it."""
    if is_held(settings):
        return "a worker runs in this folder, and its devices have computed: see /info"
    enrolled_for = _enrolled_for(settings)
    chosen = await choose_devices(settings, enrolled_for)
    chosen, children, tests = await start_devices(settings, enrolled_for, chosen, children_of(settings, chosen))
    await children.close()
    computing = [f"{test.device}: {test.provider}, {test.seconds * 1000:.1f} ms" for test in tests]
    if chosen.instead_of:
        raise _Ill(f"{chosen.because}; the processor is used instead")
    return "; ".join(computing)


def _enrolled_for(settings: WorkerSettings) -> list[str]:
    return read_credential(settings).runtimes if settings.credential_file.exists() else []


def _check_packages() -> None:
    """Refuses two installed ONNX Runtime packages, because they overwrite each other's files."""
    packages = sorted(
        f"{package.metadata['Name']} {package.version}"
        for package in distributions()
        if package.metadata["Name"] in _ONNX_RUNTIMES
    )
    if len(packages) > 1:
        raise _Ill(
            f"{' and '.join(packages)} are installed and overwrite each other: remove all, then install one again"
        )


async def _weights(settings: WorkerSettings) -> str:
    missing = [str(folder) for folder in settings.weights_dirs if not folder.is_dir()]
    if missing:
        raise _Ill(f"AI_WORKER_WEIGHTS_DIRS has entries that are no folders: {', '.join(missing)}")
    store = WeightsStore(settings.store_dir)
    size = await asyncio.to_thread(store.size_bytes)
    limit = bytes_in_words(settings.weights_limit_bytes)
    return f"{len(store.on_disk())} models, {bytes_in_words(size)} of {limit} with what was built of them"


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


async def _runs(settings: WorkerSettings) -> str:
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
