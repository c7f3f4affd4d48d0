"""`trapper-worker`: enrol this machine, run the worker, check it."""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn

from ai_worker.app import VERSION, contract_app, create_app
from ai_worker.batches.worker import Worker
from ai_worker.commands import take_along as offline
from ai_worker.commands.doctor import as_document, examine
from ai_worker.commands.notify import Notifier, notifying_systemd
from ai_worker.commands.status import sentences, worker_status
from ai_worker.commands.systemd_unit import unit
from ai_worker.devices.hardware import Hardware, every_device, machine_memory
from ai_worker.devices.run_self_test import Device as ComputeDevice
from ai_worker.devices.run_self_test import detect_devices
from ai_worker.devices.work import CannotRun, InferenceDied
from ai_worker.enrolment.credential import Credential
from ai_worker.enrolment.enrol import enrol_worker
from ai_worker.manager_client import Manager
from ai_worker.model_intake.inspect_model import inspect_model
from ai_worker.model_store.errors import RuntimeAbsent
from ai_worker.model_store.places import CPU
from ai_worker.model_store.weights_store import WeightsStore
from ai_worker.settings import WorkerSettings
from ai_worker.tables import MigrationsMissing
from ai_worker.tasks import opened, work_until
from trapper_kit.arguments import address
from trapper_kit.db import DatabaseUnavailable
from trapper_kit.logs import configure, log
from trapper_kit.parts import PartEnded
from trapper_kit.problems import Problem
from trapper_kit.settings import SettingsRefused, describe
from trapper_kit.web.serve import contract, server_options
from trapper_schemas.v1.workers import Device

PORT = 34821
CLEAN, FAILED, WRONG_USAGE, RESULTS_LEFT = 0, 1, 2, 75
"""Exit codes of `run`; 143 when a second signal made it leave at once."""
_SECOND_SIGNAL = 143
_REFUSED = "enrolment-refused"
_DEVICES_SENT = 64
_JSON = "one JSON document on standard output"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; errors of users end in one sentence and an exit code, without a traceback."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.do(options))
    except SettingsRefused as problem:
        return _say(str(problem), WRONG_USAGE)
    except Problem as problem:
        refused = problem.type == _REFUSED  # its detail says only what to do about it
        return _say(f"{problem.title}: {problem}" if refused else str(problem), FAILED)
    except (RuntimeAbsent, MigrationsMissing, CannotRun, InferenceDied, PartEnded) as problem:
        return _say(str(problem), FAILED)
    except DatabaseUnavailable as problem:  # includes errors of the operating system
        cause = getattr(problem, "orig", None)
        sentence = f"the worker's own rows cannot be read or written: {cause}; is its disk full?"
        return _say(str(problem) if cause is None else sentence, FAILED)


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(f"trapper-worker: {sentence}\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trapper-worker", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, do: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about)
        added.set_defaults(do=do)
        return added

    enrol = command("enrol", _enrol, "enrol this worker at a Manager; an enrolled worker stays enrolled")
    enrol.add_argument(
        "--manager", type=address, metavar="URL", help="address of the Manager; default: AI_WORKER_MANAGER_URL"
    )
    token = enrol.add_mutually_exclusive_group(required=True)
    token.add_argument("--token-stdin", action="store_true", help="read the enrolment token from standard input")
    token.add_argument("--token-file", type=Path, metavar="FILE", help="read the enrolment token from a file")
    enrol.add_argument("--name", help="name of the worker in the fleet; default: the host name")
    run = command("run", _run, "run batches and serve the status page, until SIGTERM")
    run.add_argument("--host", default="127.0.0.1", help="address of the status page (default: %(default)s)")
    run.add_argument("--port", type=int, default=PORT, help="port of the status page (default: %(default)s)")
    doctor = command("doctor", _doctor, "check what keeps this worker from running batches")
    doctor.add_argument("--json", action="store_true", help=_JSON)
    status = command("status", _status, "show the batches here: waiting, computed, delivered")
    status.add_argument("--json", action="store_true", help=_JSON)
    status.add_argument("--port", type=int, default=PORT, help="port of the status page (default: %(default)s)")
    along = command(
        "take-along", _take_along, "lease batches for work without a connection, with their media and models"
    )
    along.add_argument("--json", action="store_true", help=_JSON)
    along.add_argument("--hours", type=float, default=72.0, help="hours without a connection (default: %(default)s)")
    along.add_argument("--batches", type=int, default=20, help="largest number of batches (default: %(default)s)")
    along.add_argument("--port", type=int, default=PORT, help="port of the status page (default: %(default)s)")
    service = command("systemd-unit", _unit, "print the systemd unit that runs this worker")
    service.add_argument("--user", default="trapper-worker", help="user that runs the service (default: %(default)s)")
    service.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="the Python of the service; default: the present one"
    )
    service.add_argument("--port", type=int, default=PORT, help="port of the status page (default: %(default)s)")
    command("openapi", _openapi, "print the contract of the status page")
    command("settings", _settings, "list every setting with its default")
    inspect = command("inspect-model", _inspect, "try a model file: a JSON request on standard input, an answer out")
    inspect.add_argument("file", type=Path, metavar="FILE")
    return parser


def _enrol(options: argparse.Namespace) -> int:
    settings = WorkerSettings.from_environment()
    url: str | None = options.manager or settings.manager_url
    if url is None:
        return _say("--manager is needed, or AI_WORKER_MANAGER_URL", WRONG_USAGE)
    token = (sys.stdin.readline() if options.token_stdin else options.token_file.read_text("utf-8")).strip()
    if not token:
        return _say("the enrolment token is empty", WRONG_USAGE)
    configure("ai_worker", "WARNING")
    settings.make_folders()
    bought, new = asyncio.run(_buy(settings, url.rstrip("/"), token, options.name))
    known = {"worker_id": str(bought.worker_id), "name": bought.name, "manager_url": bought.manager_url, "new": new}
    sys.stdout.write(json.dumps(known) + "\n")
    return CLEAN


async def _buy(settings: WorkerSettings, url: str, token: str, name: str | None) -> tuple[Credential, bool]:
    devices = detect_devices()
    manager = Manager.at(url, token=token, allowed=settings.allowed_addresses)
    try:
        return await enrol_worker(
            settings,
            manager,
            manager_url=url,
            version=VERSION,
            runtimes=tuple(dict.fromkeys(device.runtime for device in devices)),
            devices=await _devices_here(devices),
            models_on_disk=WeightsStore(settings.store_dir).on_disk(),
            name=name,
        )
    finally:
        await manager.close()


async def _devices_here(devices: Sequence[ComputeDevice]) -> tuple[Device, ...]:
    """Returns the devices for `trapper workers show`: cards as the driver names them, else the runtime's name."""
    listed: list[Device] = []
    for device in devices:
        kind = device.runtime.removeprefix("onnx-")
        cards = await every_device(device.runtime) or [
            Hardware(device.name, machine_memory() if device.runtime == CPU else None)
        ]
        listed += [Device(name=card.name or device.name, kind=kind, memory_bytes=card.memory_bytes) for card in cards]
    return tuple(listed[:_DEVICES_SENT])


def _run(options: argparse.Namespace) -> int:
    settings = WorkerSettings.from_environment()
    configure("ai_worker", settings.log_level)
    page = socket.socket(socket.AF_INET6 if ":" in options.host else socket.AF_INET)
    page.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        page.bind((options.host, options.port))
    except OSError as problem:
        page.close()
        return _say(f"the status page cannot listen on {options.host} port {options.port}: {problem.strerror}", FAILED)
    with page:
        return asyncio.run(_serve(settings, page))


async def _serve(settings: WorkerSettings, page: socket.socket) -> int:
    async with opened(settings) as work:
        stopping = _signals(work)
        async with _status_page(work, page), notifying_systemd(work, Notifier.of(os.environ)):
            clean = await work_until(work, stopping)
    return CLEAN if clean else RESULTS_LEFT


def _signals(work: Worker) -> asyncio.Event:
    """Handles signals: the first SIGTERM or SIGINT stops in order, the second leaves at once."""
    stopping = asyncio.Event()

    def hear() -> None:
        if stopping.is_set():
            log("worker.left")
            work.devices.children.kill()
            os._exit(_SECOND_SIGNAL)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, hear)
    return stopping


class _Page(uvicorn.Server):
    """The status page's server; the worker handles the signals."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def _status_page(work: Worker, page: socket.socket) -> AsyncGenerator[None, None]:
    """Serves the status page while the block runs."""
    server = _Page(uvicorn.Config(create_app(work), timeout_graceful_shutdown=3, **server_options(work.settings)))
    serving = work.parts["status page"] = asyncio.create_task(server.serve([page]))
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)


def _status(options: argparse.Namespace) -> int:
    configure("ai_worker", "WARNING")
    settings = WorkerSettings.from_environment()
    settings.make_folders()
    status = asyncio.run(worker_status(settings, options.port))
    sys.stdout.write(f"{status.model_dump_json()}\n" if options.json else "\n".join([*sentences(status), ""]))
    return CLEAN


def _take_along(options: argparse.Namespace) -> int:
    configure("ai_worker", "WARNING")
    settings = WorkerSettings.from_environment()

    progress = sys.stderr if options.json else sys.stdout

    def report(line: str) -> None:
        progress.write(line + "\n")
        progress.flush()

    taking = offline.take_along(settings, options.port, hours=options.hours, batches=options.batches, report=report)
    work = asyncio.run(taking)
    sys.stdout.write(f"{work.model_dump_json()}\n" if options.json else "\n".join([*offline.sentences(work), ""]))
    return CLEAN if work.ready else FAILED


def _unit(options: argparse.Namespace) -> int:
    sys.stdout.write(unit(python=options.python.absolute(), user=options.user, port=options.port))
    return CLEAN


def _openapi(_: argparse.Namespace) -> int:
    sys.stdout.write(contract(contract_app()))
    return CLEAN


def _settings(_: argparse.Namespace) -> int:
    sys.stdout.write(describe(WorkerSettings, "AI_WORKER_") + "\n")
    return CLEAN


def _inspect(options: argparse.Namespace) -> int:
    try:
        request = json.loads(sys.stdin.read() or "{}")
    except ValueError:
        request = None
    if not isinstance(request, dict):
        return _say("standard input must be a JSON object", WRONG_USAGE)
    answer = inspect_model(options.file, request)
    sys.stdout.write(json.dumps(answer, sort_keys=True) + "\n")
    return CLEAN if answer["ok"] else FAILED


def _doctor(options: argparse.Namespace) -> int:
    findings = asyncio.run(examine(WorkerSettings.from_environment()))
    if options.json:
        sys.stdout.write(json.dumps(as_document(findings)) + "\n")
    else:
        for finding in findings:
            sys.stdout.write(f"{'ok ' if finding.ok else 'ILL'}  {finding.name}: {finding.found}\n")
    return CLEAN if all(finding.ok for finding in findings) else FAILED
