"""A new credential is durable before it is used, and nothing that goes wrong in between sends the worker away."""

import stat

import pytest

from ai_worker.enrolment.credential import read_credential
from ai_worker.heartbeats import beat as heartbeats
from ai_worker.heartbeats.beat import beat
from ai_worker.tasks import opened
from tests.support.make.ai_worker import worker_settings
from tests.support.workers import enrol

SOON_OVER = "update tokens set expires_at = now() + interval '2 days' where worker_id is not null"

REVOKE_THE_OLD = (
    "update tokens set revoked_at = now() where worker_id is not null and expires_at < now() + interval '3 days'"
)


@pytest.fixture
async def settings(manager, tmp_path):
    chosen = worker_settings(tmp_path / "worker")
    await enrol(manager, chosen)
    async with manager.work.database.engine.begin() as connection:
        await connection.exec_driver_sql(SOON_OVER)
    return chosen


def secret_of(settings):
    return read_credential(settings).credential.get_secret_value()


async def is_accepted(work):
    await beat(work)
    return not work.state.revoked and not work.rhythm.away


async def test_a_credential_is_exchanged_before_it_ends(manager, settings):
    old = read_credential(settings)
    async with opened(settings) as work:
        assert await is_accepted(work)
        new = read_credential(settings)
        assert new.credential != old.credential
        assert stat.S_IMODE(settings.credential_file.stat().st_mode) == 0o600
        assert [path.name for path in settings.state_dir.glob("*credential*")] == ["credential.json"]
        async with manager.work.database.engine.begin() as connection:
            found = await connection.exec_driver_sql("select count(*) from tokens where worker_id is not null")
            assert found.scalar() == 2
            await connection.exec_driver_sql(REVOKE_THE_OLD)
        assert await is_accepted(work), "the old one is not said any more"
    async with opened(settings) as work:
        assert await is_accepted(work), "a restart reads the new one"


async def test_one_that_cannot_be_written_is_not_used(settings, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    before = secret_of(settings)
    monkeypatch.setattr(heartbeats, "replace_credential", refuse)
    async with opened(settings) as work:
        assert await is_accepted(work)
        assert await is_accepted(work)
    assert secret_of(settings) == before


async def test_a_process_that_ended_before_it_wrote_goes_on_with_the_old_one(settings, monkeypatch):
    class Killed(BaseException):
        """As nothing can be prepared for."""

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(heartbeats, "replace_credential", killed)
        async with opened(settings) as work:
            with pytest.raises(Killed):
                await beat(work)
    async with opened(settings) as work:
        assert await is_accepted(work)
