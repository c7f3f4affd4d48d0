"""Commands for operators: `python -m expert.commands COMMAND`.

Routes and tasks are imported by the commands that run them: they are a third of the time that a command takes to start.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from expert.access import queries as people
from expert.access import queries_invariants as access
from expert.access.check_password import LONGEST, hash_password, refuse_weak_password
from expert.access.issue_token import issue_token
from expert.access.register import register
from expert.access.sign_in import make_link
from expert.audit.queries import offenders
from expert.classification_projects import queries_invariants as classification_projects
from expert.classifications import queries_invariants as classifications
from expert.deps import ExpertWork, open_work
from expert.jobs import queries_invariants as jobs
from expert.observations import queries_invariants as observations
from expert.occurrences import queries_invariants as occurrences
from expert.operations import queries_invariants as operations
from expert.outputs import queries_invariants as outputs
from expert.outputs.check_vectors import check_vectors
from expert.postprocessing import queries_invariants as postprocessing
from expert.providers.connect_manager import connect_manager
from expert.providers.sync_ai_models import SyncReport, sync_ai_models
from expert.resources import queries_invariants as resources
from expert.results import queries_invariants as results
from expert.sequences import queries_invariants as sequences
from expert.settings import ExpertSettings
from expert.statistics import queries_invariants as statistics
from expert.taxa import queries_invariants as taxa
from expert.uploads import queries_invariants as uploads
from trapper_kit.arguments import address
from trapper_kit.db import DatabaseUnavailable
from trapper_kit.logs import configure
from trapper_kit.parts import run_process
from trapper_kit.problems import Invalid, Problem
from trapper_kit.settings import SettingsRefused, describe
from trapper_kit.web.serve import contract, serve

Options = argparse.Namespace
SERVICE = "expert"
REFUSED = 1
_TOKEN_DAYS = 366
INVARIANTS: dict[str, str] = {
    **access.INVARIANTS,
    **resources.INVARIANTS,
    **classification_projects.INVARIANTS,
    **uploads.INVARIANTS,
    **operations.INVARIANTS,
    **sequences.INVARIANTS,
    **taxa.INVARIANTS,
    **jobs.INVARIANTS,
    **observations.INVARIANTS,
    **occurrences.INVARIANTS,
    **classifications.INVARIANTS,
    **outputs.INVARIANTS,
    **postprocessing.INVARIANTS,
    **results.INVARIANTS,
    **statistics.INVARIANTS,
}
"""What must find nothing, by the sentence that is then true."""


def _tell(options: Options, document: Mapping[str, object], sentence: str) -> None:
    sys.stdout.write((json.dumps(document, ensure_ascii=False) if options.json else sentence) + "\n")


def _with_work(do: Callable[[ExpertWork], Awaitable[int]]) -> int:
    async def within() -> int:
        async with open_work(ExpertSettings.from_environment()) as work:
            return await do(work)

    return asyncio.run(within())


def _serve(options: Options) -> int:
    from expert.app import create_app

    settings = ExpertSettings.from_environment()
    configure(SERVICE, settings.log_level)
    asyncio.run(check_vectors(settings.database_url.get_secret_value()))
    return serve(create_app(settings), settings, host=options.host, port=options.port)


def _tasks(_options: Options) -> int:
    from expert.tasks import run_tasks

    settings = ExpertSettings.from_environment()
    configure(SERVICE, settings.log_level)
    asyncio.run(check_vectors(settings.database_url.get_secret_value()))
    return run_process(run_tasks(settings))


def _openapi(_options: Options) -> int:
    from expert.app import contract_app

    sys.stdout.write(contract(contract_app()))
    return 0


def _settings(_options: Options) -> int:
    sys.stdout.write(describe(ExpertSettings, "EXPERT_") + "\n")
    return 0


async def examine(work: ExpertWork) -> list[dict[str, Any]]:
    """Returns each invariant with whether it holds, and how many rows (up to 20) break it."""
    checks: list[dict[str, Any]] = []
    for name, statement in INVARIANTS.items():
        async with work.db() as db:
            offending = await offenders(db, statement)
        checks.append(
            {"name": name, "ok": not offending, "found": len(offending), "detail": ", ".join(offending) or None}
        )
    return checks


def _doctor(options: Options) -> int:
    async def do(work: ExpertWork) -> int:
        checks = await examine(work)
        ok = all(check["ok"] for check in checks)
        lines = [
            f"{'ok  ' if check['ok'] else 'FAIL'}  {check['name']}: {check['detail'] or 'holds'}" for check in checks
        ]
        _tell(options, {"ok": ok, "checks": checks}, "\n".join(lines))
        return 0 if ok else REFUSED

    return _with_work(do)


def _create_admin(options: Options) -> int:
    password = sys.stdin.readline().rstrip("\r\n")
    try:
        refuse_weak_password(password[:LONGEST], email=options.email)
    except Invalid as refusal:
        sys.stderr.write(f"{refusal.detail}; the password is read from standard input\n")
        return REFUSED

    async def do(work: ExpertWork) -> int:
        password_hash = await hash_password(password)
        async with work.db() as db:
            user = await people.user_by_email(db, options.email)
            made = user is None
            if user is None:
                user = await register(
                    db,
                    email=options.email,
                    name=options.name,
                    password_hash=password_hash,
                    now=work.clock.now(),
                    active=True,
                    site_admin=True,
                )
            else:
                user.password_hash, user.is_site_admin, user.is_active = password_hash, True, True
                user.activated_at = user.activated_at or work.clock.now()
        verb = "made" if made else "changed"
        _tell(options, {"id": str(user.id), "email": user.email, "created": made}, f"site admin {user.email} {verb}")
        return 0

    return _with_work(do)


def _issue_token(options: Options) -> int:
    async def do(work: ExpertWork) -> int:
        async with work.db() as db:
            user = await people.user_by_email(db, options.email)
            if user is None:
                sys.stderr.write(f"nobody here has the e-mail {options.email}\n")
                return REFUSED
            row, secret = await issue_token(
                db,
                user_id=user.id,
                name=options.name,
                scopes=options.scope or ["*"],
                lasts=timedelta(days=options.days),
                now=work.clock.now(),
            )
        document = {"id": str(row.id), "name": row.name, "token": secret, "expires_at": row.expires_at.isoformat()}
        _tell(options, document, secret)
        return 0

    return _with_work(do)


def _sign_in_link(options: Options) -> int:
    async def do(work: ExpertWork) -> int:
        async with work.db() as db:
            user = await people.user_by_email(db, options.email)
            if user is None or not user.is_active:
                sys.stderr.write(f"nobody who may sign in has the e-mail {options.email}\n")
                return REFUSED
            path = await make_link(db, user_id=user.id, now=work.clock.now())
        url = f"{work.settings.public_url.rstrip('/')}{path}"
        _tell(options, {"url": url}, url)
        return 0

    return _with_work(do)


def _connect_manager(options: Options) -> int:
    token = sys.stdin.readline().strip()
    if not token:
        sys.stderr.write("the Manager's token is read from standard input, and nothing came\n")
        return REFUSED

    async def do(work: ExpertWork) -> int:
        notifier = work.settings.notifications_redis_url
        async with work.db() as db:
            row = await connect_manager(
                db,
                work.settings,
                name=options.name,
                url=options.url,
                credential=token,
                notifications_url=notifier.get_secret_value() if notifier else None,
                by=None,
            )
        _tell(options, {"id": str(row.id), "name": row.name, "url": row.url}, f"connected {row.name} at {row.url}")
        return 0

    return _with_work(do)


def _sync_ai_models(options: Options) -> int:
    async def do(work: ExpertWork) -> int:
        reports = await sync_ai_models(work)
        needed = [report for report in reports if options.connection in {None, report.connection}]
        if options.connection is not None and not needed:
            sys.stderr.write(f"no Manager is connected as {options.connection}\n")
            return REFUSED
        failed = [report for report in needed if report.problem]
        document = {"ok": not failed, "connections": [_plain(report) for report in reports]}
        _tell(options, document, "\n".join(_sentence(report) for report in reports) or "no Manager is connected")
        return REFUSED if failed else 0

    return _with_work(do)


def _plain(report: SyncReport) -> dict[str, Any]:
    nested = ("unresolved", "features_not_stored")
    return {**vars(report), **{name: [vars(item) for item in getattr(report, name)] for name in nested}}


def _sentence(report: SyncReport) -> str:
    if report.problem:
        return f"{report.connection}: {report.problem}"
    unresolved = ", ".join(f"{label.model}: {label.label}" for label in report.unresolved)
    sentence = f"{report.connection}: {report.models} models, {len(report.added)} new, {len(report.deactivated)} gone"
    sentence += "".join(f"; {item.model}: {item.reason}" for item in report.features_not_stored)
    return sentence + (f"; labels without a taxon: {unresolved}" if unresolved else "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m expert.commands", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[Options], int], text: str, *, answers: bool = False
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        if answers:
            made.add_argument("--json", action="store_true", help="print one JSON document")
        return made

    serve = command("serve", _serve, "serve HTTP")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    command("tasks", _tasks, "work on background tasks and sweeps")
    command("openapi", _openapi, "print the OpenAPI document; needs no settings and no database")
    command("settings", _settings, "list every setting")
    command("doctor", _doctor, "check what must always hold; exit 1 when something does not", answers=True)
    admin = command("create_admin", _create_admin, "make a site admin, or set the password again", answers=True)
    admin.add_argument("--email", required=True)
    admin.add_argument("--name", default="")
    admin.add_argument(
        "--password-stdin", action="store_true", required=True, help="read the secret from one line of standard input"
    )
    token = command("issue_token", _issue_token, "make a token for a person; it is shown once", answers=True)
    token.add_argument("--email", required=True)
    token.add_argument("--name", required=True)
    token.add_argument("--scope", action="append", help="a scope, repeatable; default: everything")
    token.add_argument("--days", type=int, default=_TOKEN_DAYS)
    link = command(
        "sign_in_link", _sign_in_link, "make a link that signs a person in once, on this machine", answers=True
    )
    link.add_argument("--email", required=True)
    connect = command("connect_manager", _connect_manager, "store a Manager's address and credential", answers=True)
    connect.add_argument("--name", required=True)
    connect.add_argument("--url", type=address, required=True)
    connect.add_argument(
        "--token-stdin", action="store_true", required=True, help="read the secret from one line of standard input"
    )
    sync = command("sync_ai_models", _sync_ai_models, "read the catalogue of every connected Manager", answers=True)
    sync.add_argument("--connection", metavar="NAME", help="fail only when this Manager cannot be read")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when done, 1 when refused, 2 for wrong usage; a refusal is one sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (SettingsRefused, Problem) as problem:
        sys.stderr.write(f"{problem}\n")
    except DatabaseUnavailable as problem:
        sys.stderr.write(f"the database does not answer: {type(problem).__name__}\n")
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
