"""Imports every feature's models, and brings the worker's own file to the present shape before anything opens it."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from ai_worker.base import Base
from ai_worker.batches.models import Run
from ai_worker.results.models import KeptResult

__all__ = ["Base", "KeptResult", "Run", "migrate"]

_IN_REPOSITORY = Path(__file__).resolve().parents[4] / "migrations" / "ai_worker"
_INSTALLED = Path(__file__).resolve().parents[1] / "ai_worker_migrations"


class MigrationsMissing(Exception):  # noqa: N818 - named after what is the case
    """This installation was made without the worker's migrations."""


def migrate(file: Path) -> None:
    """Upgrade the file to the newest migration; the worker may be installed alone, so its wheel carries them."""
    folder = next((one for one in (_IN_REPOSITORY, _INSTALLED) if (one / "env.py").exists()), None)
    if folder is None:
        raise MigrationsMissing(f"neither {_IN_REPOSITORY} nor {_INSTALLED} holds the migrations")
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["url"] = f"sqlite+aiosqlite:///{file}"
    command.upgrade(config, "head")
