"""A claim that was delivered twice leases batches of which its worker never hears; it costs none of them anything."""

import pytest

from tests.support.managers import running_manager
from tests.support.workers import eventually
from trapper_schemas.v1.batches import ClaimRequest


@pytest.fixture
async def manager(ai_manager_database_url, tmp_path):
    """No lease of its own ends while a test lasts."""
    async with running_manager(ai_manager_database_url, tmp_path, intervals={"lease": 3600.0}) as one:
        yield one


async def test_a_worker_that_goes_on_asking_gives_back_what_it_does_not_know_of(manager, pictures, stage, worker):
    async with worker(model_memory_bytes=1) as asking:  # too little for any model: it is offered nothing itself
        await eventually(lambda: manager.faults.count("/claim/") >= 2)
        await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
        assert (await asking.work.manager.claim(ClaimRequest(runtime="onnx-cpu", wait_seconds=30))).batches
        await eventually(lambda: manager.rows("select 1 from batches where attempt = 1 and state = 'waiting'"))
    assert {row["losses"] for row in await manager.batches()} == {0}
