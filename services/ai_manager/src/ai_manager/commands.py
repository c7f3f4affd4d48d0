"""Commands for operators: `python -m ai_manager.commands COMMAND`.

Routes and tasks are imported by the commands that run them: they are a third of the time that a command takes to start.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from ai_manager.access import queries as tokens
from ai_manager.access.issue_token import issue_token
from ai_manager.access.state import GRANTABLE, Scope
from ai_manager.catalog.sync_models_from_schemas import sync_models_from_schemas
from ai_manager.deps import Work
from ai_manager.jobs.queries_invariants import INVARIANTS, offenders, oldest_unacknowledged_seconds, take_time
from ai_manager.results.find_lost import lost_blobs, lost_weights
from ai_manager.settings import Settings
from ai_manager.workers.issue_enrolment import issue_enrolment
from ai_manager.workers.revoke import revoke_worker
from trapper_kit.db import DatabaseUnavailable
from trapper_kit.logs import configure
from trapper_kit.parts import run_process
from trapper_kit.problems import Problem
from trapper_kit.settings import SettingsRefused, describe
from trapper_kit.web.serve import contract, serve
from trapper_schemas.catalog import DATA, CatalogMalformed, read_manifest, read_proofs
from trapper_schemas.times import check_moment

Options = argparse.Namespace
SERVICE = "ai_manager"
REFUSED = 1
MISUSED = 2
SHORTEST_TOKEN, LONGEST_TOKEN = 20, 200


def _tell(options: Options, document: dict[str, Any], sentence: str) -> None:
    sys.stdout.write((json.dumps(document) if options.json else sentence) + "\n")


async def _with_work(do: Callable[[Work], Awaitable[int]]) -> int:
    work = Work.open(Settings.from_environment())
    try:
        return await do(work)
    finally:
        await work.close()


def _serve(options: Options) -> int:
    from ai_manager.app import create_app

    settings = Settings.from_environment()
    configure(SERVICE, settings.log_level)
    return serve(create_app(settings), settings, host=options.host, port=options.port)


def _tasks(_options: Options) -> int:
    from ai_manager.tasks import run_tasks

    settings = Settings.from_environment()
    configure(SERVICE, settings.log_level)
    return run_process(run_tasks(settings))


def _openapi(_options: Options) -> int:
    from ai_manager.app import create_app

    sys.stdout.write(contract(create_app()))
    return 0


def _settings(_options: Options) -> int:
    sys.stdout.write(describe(Settings, "AI_MANAGER_") + "\n")
    return 0


def _sync(options: Options) -> int:
    manifest = options.manifest or DATA / "model_manifest.yaml"
    entries, proofs = read_manifest(manifest), read_proofs(manifest)

    async def do(work: Work) -> int:
        synced = await sync_models_from_schemas(work, entries, options.weights, proofs)
        _tell(
            options,
            vars(synced),
            "; ".join(f"{name}: {', '.join(names)}" for name, names in vars(synced).items() if names)
            or "nothing to do",
        )
        return 0

    return asyncio.run(_with_work(do))


def _issue_token(options: Options) -> int:
    known = sys.stdin.readline().strip() if options.token_stdin else None
    if known is not None and not SHORTEST_TOKEN <= len(known) <= LONGEST_TOKEN:
        sys.stderr.write(f"a token of {SHORTEST_TOKEN} to {LONGEST_TOKEN} characters is expected on standard input\n")
        return MISUSED

    async def do(work: Work) -> int:
        async with work.db() as db:
            token = issue_token(
                db,
                name=options.name,
                scopes=[Scope(scope) for scope in options.scope],
                now=work.clock.now(),
                hash_token=work.hash_token,
                expires_at=options.expires_at,
                known=known,
            )
        _tell(options, {"token": token, "name": options.name, "scopes": options.scope}, token)
        return 0

    return asyncio.run(_with_work(do))


def _issue_enrolment(options: Options) -> int:
    async def do(work: Work) -> int:
        unknown = sorted(set(options.runtime) - set(work.settings.runtimes))
        if unknown:
            sys.stderr.write(f"unknown runtime {', '.join(unknown)}; known: {', '.join(work.settings.runtimes)}\n")
            return MISUSED
        async with work.db() as db:
            token = issue_enrolment(
                db,
                runtimes=options.runtime,
                uses=options.uses,
                lifetime=timedelta(minutes=options.minutes or work.settings.enrolment_minutes),
                project=options.project,
                offline=options.offline,
                now=work.clock.now(),
                hash_token=work.hash_token,
            )
        _tell(options, {"token": token, "runtimes": options.runtime, "uses": options.uses}, token)
        return 0

    return asyncio.run(_with_work(do))


def _revoke(options: Options) -> int:
    async def do(work: Work) -> int:
        async with work.db() as db:
            if options.worker is not None:
                await revoke_worker(db, options.worker, now=work.clock.now())
                sentence = f"worker {options.worker} is revoked; its batches are handed out again"
                revoked = 1
            else:
                revoked = await tokens.revoke_by_name(db, options.token_name, work.clock.now())
                sentence = f"{revoked} token(s) named {options.token_name} revoked"
        _tell(options, {"revoked": revoked}, sentence)
        return 0 if revoked else REFUSED

    return asyncio.run(_with_work(do))


def _doctor(options: Options) -> int:
    """Prints the invariant checks; `ok` says whether every one holds, and what is merely old is only reported."""

    async def do(work: Work) -> int:
        intervals = work.intervals
        grace = intervals.lease + 2 * intervals.sweep + intervals.lock
        checks: list[dict[str, Any]] = []
        async with work.db() as db:
            await take_time(db)
            for name, invariant in INVARIANTS.items():
                offending = await offenders(db, invariant, grace_seconds=grace)
                detail = f"{invariant.broken}: {', '.join(offending)}" if offending else ""
                checks.append({"name": name, "ok": not offending, "found": len(offending), "detail": detail})
            waiting, oldest = await oldest_unacknowledged_seconds(db)
        lost = await lost_blobs(work)
        detail = f"a result that waits to be fetched, and whose blob is gone: {', '.join(lost[:20])}" if lost else ""
        checks.append({"name": "blobs", "ok": not lost, "found": len(lost), "detail": detail})
        lost = await lost_weights(work)
        detail = f"weights that were held and are gone; upload them again: {', '.join(lost[:20])}" if lost else ""
        checks.append({"name": "weights", "ok": not lost, "found": len(lost), "detail": detail})
        detail = f"the oldest has waited for {oldest:.0f} s" if oldest is not None else ""
        checks.append({"name": "unacknowledged results", "ok": True, "found": waiting, "detail": detail})
        ok = all(check["ok"] for check in checks)
        lines = [
            f"{'ok ' if check['ok'] else 'BAD'} {check['name']}: {check['found']} {check['detail']}" for check in checks
        ]
        _tell(options, {"ok": ok, "checks": checks}, "\n".join(lines))
        return 0 if ok else REFUSED

    return asyncio.run(_with_work(do))


def _moment(text: str) -> datetime:
    """A time with an offset between the years 1900 and 2199 in UTC; raises ArgumentTypeError for another."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time; write it like 2027-01-31T12:00:00+00:00") from None
    if parsed.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no time zone; write it like 2027-01-31T12:00:00+00:00")
    try:
        return check_moment(parsed)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"{text} {problem}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ai_manager.commands", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[Options], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run, json=False)
        return command

    serve = add("serve", _serve, "answer HTTP")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=34811)
    add("tasks", _tasks, "run messages and sweeps")
    add("openapi", _openapi, "print the contract; needs neither settings nor a database")
    add("settings", _settings, "list every setting")
    sync = add("sync_models_from_schemas", _sync, "bring the manifest into the catalogue")
    sync.add_argument("--weights", type=Path, help="folder with weights to keep, found by file name and sha256")
    sync.add_argument("--manifest", type=Path, help="path of another manifest than the shipped one")
    token = add("issue_token", _issue_token, "make a token for a service or an operator; shown once")
    token.add_argument("--name", required=True)
    token.add_argument("--scope", action="append", required=True, choices=[scope.value for scope in GRANTABLE])
    token.add_argument(
        "--token-stdin", action="store_true", help="an existing token that this Manager is to accept too"
    )
    token.add_argument("--expires-at", type=_moment, help="2027-01-31T12:00:00+00:00; never by default")
    enrolment = add("issue_enrolment", _issue_enrolment, "make a token with which machines become workers; shown once")
    enrolment.add_argument("--runtime", action="append", required=True)
    enrolment.add_argument("--uses", type=int, default=1)
    enrolment.add_argument("--minutes", type=int)
    enrolment.add_argument("--project", default="", help="only batches of this project")
    enrolment.add_argument(
        "--offline", action="store_true", help="may lease batches for days, to work without a connection"
    )
    revoke = add("revoke", _revoke, "end a worker's credential, or every token of a name")
    which = revoke.add_mutually_exclusive_group(required=True)
    which.add_argument("--worker", type=UUID)
    which.add_argument("--token-name")
    doctor = add("doctor", _doctor, "check the invariants on the database")
    for command in (doctor, sync, token, enrolment, revoke):
        command.add_argument("--json", action="store_true", help="one JSON document")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 refused, 2 wrong usage; errors are sentences, never tracebacks."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except SettingsRefused as problem:
        sys.stderr.write(f"{problem}\n")
        return MISUSED
    except (Problem, CatalogMalformed) as problem:
        sys.stderr.write(f"{problem}\n")
    except DatabaseUnavailable as problem:
        sys.stderr.write(f"the database does not answer or is not migrated: {str(problem).splitlines()[0]}\n")
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
