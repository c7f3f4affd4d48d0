"""The one online runner: `python migrations/run.py SERVICE` upgrades the database of that service.

`--check` compares migrations with models (exit 1 when they differ), `--revision TEXT` writes a new migration from the
difference; both work on a scratch database on an embedded server, so neither touches a real one.
"""

import argparse
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from trapper_kit.settings import read_setting

HERE = Path(__file__).resolve().parent
SERVICES = ("expert", "ai_manager", "ai_worker")


def config(service: str, url: str) -> Config:
    """Alembic's configuration of one service."""
    made = Config(str(HERE / "alembic.ini"), ini_section=service)
    made.attributes["url"] = url
    return made


@contextmanager
def scratch(service: str) -> Generator[str, None, None]:
    """A database that is thrown away, on the embedded server (SQLite for the worker)."""
    with tempfile.TemporaryDirectory(prefix="trapper-migrations-") as folder:
        if service == "ai_worker":
            yield f"sqlite+aiosqlite:///{folder}/worker.sqlite3"
            return
        from trapper_cli.servers.postgres import EmbeddedPostgres

        with EmbeddedPostgres(Path(folder) / "pg", options={"fsync": "off"}) as postgres:
            postgres.create_database(service)
            yield postgres.url(service)


def revise(service: str, message: str) -> None:
    """Write the next migration, numbered, from the difference between models and migrations."""
    versions = HERE / service / "versions"
    versions.mkdir(exist_ok=True)
    number = f"{len(list(versions.glob('[0-9]*.py'))) + 1:04d}"
    with scratch(service) as url:
        command.upgrade(config(service, url), "head")
        command.revision(config(service, url), message=message, autogenerate=True, rev_id=number)


def check(service: str) -> bool:
    """Whether migrations and models say the same."""
    with scratch(service) as url:
        command.upgrade(config(service, url), "head")
        try:
            command.check(config(service, url))
        except CommandError as problem:
            print(f"{service}: {problem}", file=sys.stderr)
            return False
    return True


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", choices=SERVICES, nargs="+")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="compare migrations with models")
    action.add_argument("--revision", metavar="TEXT", help="write a new migration")
    options = parser.parse_args(arguments)
    for service in options.service:
        if options.check:
            if not check(service):
                return 1
        elif options.revision:
            revise(service, options.revision)
        else:
            variable = f"{service.upper()}_DATABASE_URL"
            url = read_setting(variable)
            if url is None:
                parser.error(f"{variable} is not set")
            command.upgrade(config(service, url), "head")
    return 0


if __name__ == "__main__":
    sys.exit(main())
