"""Imports the models of every feature, and migrates the worker's own file."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from ai_worker.base import Base
from ai_worker.batches.models import Run
from ai_worker.results.models import KeptResult
from trapper_kit.db import DatabaseUnavailable
from trapper_kit.problems import Problem

__all__ = ["Base", "FileUnfit", "KeptResult", "MigrationsMissing", "Run", "migrate"]

_IN_REPOSITORY = Path(__file__).resolve().parents[4] / "migrations" / "ai_worker"
_INSTALLED = Path(__file__).resolve().parents[1] / "ai_worker_migrations"


class MigrationsMissing(Exception):  # noqa: N818 - named after what is the case
    """This installation has no migrations of the worker."""


class FileUnfit(Problem):
    type = "worker-file-unfit"
    title = (
        "The worker's database file cannot be used. Move it away; the next start creates a new one, without its leases"
    )
    status = 409


def migrate(file: Path) -> None:
    """Upgrade the file to the newest migration; the worker may be installed alone, so its wheel carries them."""
    folder = next((folder for folder in (_IN_REPOSITORY, _INSTALLED) if (folder / "env.py").exists()), None)
    if folder is None:
        raise MigrationsMissing(f"neither {_IN_REPOSITORY} nor {_INSTALLED} holds the migrations")
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["url"] = f"sqlite+aiosqlite:///{file}"
    try:
        command.upgrade(config, "head")
    except CommandError as problem:
        raise FileUnfit(f"{file} was written by another version of the worker: {problem}") from problem
    except DatabaseUnavailable as problem:
        raise FileUnfit(f"{file}: {getattr(problem, 'orig', None) or problem}") from problem
