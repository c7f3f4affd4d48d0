"""A model whose weights nobody confirmed, through a whole worker: run where it is allowed, named, and proposed."""

import hashlib

import pytest

from ai_manager.catalog.sync_models_from_schemas import sync_models_from_schemas
from tests.support.weights_servers import serving_weights
from tests.support.workers import eventually
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.models import Source


@pytest.fixture
def unpinned(stage, detector_bytes):
    """The detector as an entry without a hash, whose weights are at an address."""
    with serving_weights() as server:
        server.files["/detector.onnx"] = detector_bytes
        source = Source(url=f"{server.url}/detector.onnx", file_name="detector.onnx")
        entry = stage.model.model_copy(
            update={"name": "unseen", "sha256": None, "size_bytes": None, "sources": (source,)}
        )
        ref = stage.stage.model.model_copy(
            update={"name": "unseen", "version": entry.version, "sha256": None, "unpinned": True}
        )
        yield stage.model_copy(update={"model": entry, "stage": stage.stage.model_copy(update={"model": ref})})


async def test_only_who_allows_it_runs_it_and_its_results_and_heartbeats_name_the_hash(
    manager, pictures, unpinned, worker, detector_bytes
):
    await sync_models_from_schemas(manager.work, [unpinned.model], None)
    job_id = await manager.submit([unpinned], pictures.photos([1, 2]), origins=[pictures.url])
    found = hashlib.sha256(detector_bytes).hexdigest()
    async with worker(allow_unpinned=True):
        job = await manager.closed(job_id)
        await eventually(lambda: manager.rows("select 1 from proposed_pins"))
    assert job.counts.done == 2
    for blob in await manager.blobs(job_id):
        (run,) = read_results(blob).stages
        assert (run.model.name, run.model.sha256, run.model.unpinned) == ("unseen", found, True)
    (proposed,) = await manager.rows("select sha256, size_bytes, worker_name from proposed_pins")
    assert proposed == {"sha256": found, "size_bytes": len(detector_bytes), "worker_name": "tester"}


async def test_a_pin_that_came_meanwhile_is_what_is_run(manager, pictures, unpinned, worker, detector_bytes):
    await sync_models_from_schemas(manager.work, [unpinned.model], None)
    job_id = await manager.submit([unpinned], pictures.photos([1]), origins=[pictures.url])
    body = {"version": unpinned.model.version, "sha256": hashlib.sha256(detector_bytes).hexdigest()}
    (await manager.client.post("/api/models/unseen/pin/", json=body)).raise_for_status()
    async with worker(allow_unpinned=True):
        assert (await manager.closed(job_id)).counts.done == 1
    assert await manager.rows("select 1 from proposed_pins") == []
