"""A device shows that it comes to the published numbers before any picture is trusted to it."""

import time

import pytest

from ai_worker.app import info
from ai_worker.devices.run_child import InferenceChild
from ai_worker.devices.work import CannotRun, ChildSettings, StageWork
from ai_worker.model_store.golden import golden_run, run_golden
from ai_worker.model_store.open_onnx import PROVIDERS, open_session
from tests.support.make.ai_worker import worker_settings
from tests.support.make.inference import stage_spec
from tests.support.networks import colour_detector
from tests.support.workers import eventually


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return colour_detector(tmp_path_factory.mktemp("networks") / "detector.onnx")


@pytest.fixture(scope="module")
def published(weights):
    """As the registration of this very file publishes it."""
    spec = stage_spec(weights).model.spec
    session = open_session(weights, providers=PROVIDERS["onnx-cpu"])
    runs = run_golden(session, spec.preprocessing, time.perf_counter)
    return golden_run(["output"], spec, runs, provider="CPUExecutionProvider", precision="float32")


def off_by(published, part):
    """The same run with every number larger by a part of the largest."""
    return published.model_copy(
        update={
            "inputs": tuple(
                tuple(
                    output.model_copy(
                        update={"sampled": tuple(value + part * output.largest for value in output.sampled)}
                    )
                    for output in outputs
                )
                for outputs in published.inputs
            )
        }
    )


async def test_the_child_compares_itself_with_what_was_published(weights, published):
    async with InferenceChild(ChildSettings(threads=1)) as child:
        proof = await child.self_test(StageWork(stage_spec(weights), weights, published=published))
        assert proof.difference < 1e-6
        assert proof.compared_with == "the published run on CPUExecutionProvider"
        assert proof.seconds > 0
        assert proof.checksum == published.checksum
        with pytest.raises(
            CannotRun, match=r"numbers 10\.0% off the published run .*; at most 2% is allowed"
        ) as caught:
            await child.self_test(StageWork(stage_spec(weights), weights, published=off_by(published, 0.1)))
        assert caught.value.reason == "device-differs"
        alone = await child.self_test(StageWork(stage_spec(weights), weights))
        assert (alone.difference, alone.compared_with) == (0, "")


async def test_what_is_within_the_tolerance_runs_and_is_recorded(weights, published):
    async with InferenceChild(ChildSettings(threads=1)) as child:
        proof = await child.self_test(StageWork(stage_spec(weights), weights, published=off_by(published, 0.01)))
    assert proof.difference == pytest.approx(0.01, rel=0.1)


async def test_a_run_of_another_model_is_told_as_such(weights, published):
    other = published.model_copy(update={"inputs": published.inputs[:1]})
    async with InferenceChild(ChildSettings(threads=1)) as child:
        with pytest.raises(CannotRun, match="gives other outputs than the published run"):
            await child.self_test(StageWork(stage_spec(weights), weights, published=other))


async def publish(manager, spec, content, proof):
    document = {"entry": spec.model.model_dump(mode="json"), "proof": proof.model_dump(mode="json")}
    (await manager.client.post("/api/models/", json=document)).raise_for_status()
    sent = await manager.client.put(f"/api/models/{spec.stage.model.sha256}/weights", content=content)
    sent.raise_for_status()


async def test_a_worker_asks_for_the_published_run_once_and_keeps_what_it_found(
    manager, pictures, worker, weights, published
):
    spec = stage_spec(weights)
    await publish(manager, spec, weights.read_bytes(), published)
    async with worker() as working:
        for _ in range(2):
            job_id = await manager.submit([spec], pictures.photos([1]), origins=[pictures.url])
            assert (await manager.closed(job_id)).counts.done == 1
        (proof,) = working.work.self_tests.passed.values()
        assert manager.faults.count("/proof/") == 1
    assert proof.compared_with == "the published run on CPUExecutionProvider"


async def test_a_worker_without_a_published_run_goes_on_with_its_own(manager, pictures, stage, worker):
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker() as working:
        assert (await manager.closed(job_id)).counts.done == 1
        (proof,) = working.work.self_tests.passed.values()
        assert list(working.work.self_tests.published.values()) == [None]
    assert proof.compared_with == ""


async def test_a_worker_whose_numbers_differ_looks_at_no_picture(manager, pictures, worker, weights, published):
    spec = stage_spec(weights)
    await publish(manager, spec, weights.read_bytes(), off_by(published, 0.1))
    job_id = await manager.submit([spec], pictures.photos([1]), origins=[pictures.url])
    async with worker() as working:
        await eventually(lambda: manager.rows("select 1 from batches where losses > 0"))
        assert working.work.self_tests.passed == {}
    assert (await manager.job(job_id)).counts.done == 0


def lay(tmp_path, weights, spec):
    """The weights, where a worker that starts now finds them."""
    settings = worker_settings(tmp_path / "worker")
    settings.make_folders()
    (settings.store_dir / f"{spec.stage.model.sha256}.onnx").write_bytes(weights.read_bytes())


async def test_what_lies_on_the_disk_runs_its_golden_inputs_at_the_start(manager, worker, weights, published, tmp_path):
    spec = stage_spec(weights)
    await publish(manager, spec, weights.read_bytes(), published)
    lay(tmp_path, weights, spec)
    async with worker() as working:
        await eventually(lambda: working.work.self_tests.disk_done)
        (proof,) = (await info(working.work)).models_proved
    assert proof.sha256 == spec.stage.model.sha256
    assert proof.checksum == published.checksum
    assert await manager.rows("select 1 from batches") == []


async def test_what_lies_there_and_does_not_run_is_named_before_any_batch_comes(
    manager, worker, weights, published, tmp_path
):
    spec = stage_spec(weights)
    await publish(manager, spec, weights.read_bytes(), off_by(published, 0.1))
    lay(tmp_path, weights, spec)
    async with worker() as working:
        await eventually(lambda: working.work.self_tests.disk_done)
        told = await info(working.work)
        assert not working.task.done()
    assert told.models_proved == []
    assert "numbers 10.0% off" in told.models_unfit[spec.stage.model.sha256]


async def test_a_manager_that_is_away_at_the_start_is_asked_again(manager, worker, weights, published, tmp_path):
    spec = stage_spec(weights)
    await publish(manager, spec, weights.read_bytes(), published)
    lay(tmp_path, weights, spec)
    manager.faults.unavailable |= {"/api/models/"}
    async with worker() as working:
        await eventually(lambda: manager.faults.count("/api/models/") > 3)
        assert not working.work.self_tests.disk_done
        manager.faults.unavailable.clear()
        await eventually(lambda: working.work.self_tests.passed)


async def test_damaged_weights_are_removed_and_not_run(manager, worker, weights, published, tmp_path):
    spec = stage_spec(weights)
    await publish(manager, spec, weights.read_bytes(), published)
    lay(tmp_path, weights, spec)
    (path,) = (tmp_path / "worker" / "weights").glob("*.onnx")
    path.write_bytes(weights.read_bytes()[:-1] + b"x")
    async with worker() as working:
        await eventually(lambda: working.work.self_tests.disk_done)
        assert (working.work.self_tests.passed, working.work.store.on_disk()) == ({}, ())
