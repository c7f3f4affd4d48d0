"""Opening the worker: alone in its folder, with its database migrated."""

import sqlite3
from pathlib import Path

import pytest

from ai_worker.confinement.privileges import UNPRIVILEGED
from ai_worker.tasks import AlreadyWorking, opened
from tests.support.make.ai_worker import open_worker, worker_settings

VERSIONS = Path(__file__).parents[3] / "migrations" / "ai_worker" / "versions"
NEWEST = max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


async def test_two_processes_never_share_a_folder(tmp_path):
    async with open_worker(tmp_path):
        with pytest.raises(AlreadyWorking, match="another process"):
            async with opened(worker_settings(tmp_path)):
                pass
    async with open_worker(tmp_path):
        pass


async def test_the_file_is_migrated_and_durable(tmp_path):
    async with open_worker(tmp_path) as work, work.db() as db:
        connection = await db.connection()
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert (await connection.exec_driver_sql(f"pragma {pragma}")).scalar() == value
    file = sqlite3.connect(tmp_path / "worker.sqlite3")
    assert file.execute("select version_num from alembic_version").fetchall() == [(NEWEST,)]
    file.close()


async def test_nothing_in_the_state_folder_is_open_to_others(tmp_path):
    async with open_worker(tmp_path / "state"):
        state = (tmp_path / "state").stat()
        assert state.st_mode & 0o027 == 0
        # The user under whom models run may pass through to the weights, and nobody else's group may.
        assert state.st_mode & 0o070 == 0 or state.st_gid == UNPRIVILEGED
