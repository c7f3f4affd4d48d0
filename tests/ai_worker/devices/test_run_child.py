"""The inference child as it runs: a real process, real files, and what happens when it dies."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ai_worker.devices import pipes
from ai_worker.devices.run_child import InferenceChild
from ai_worker.devices.run_self_test import detect_devices
from ai_worker.devices.work import BatchWork, CannotRun, ChildSettings, InferenceDied, ResourceWork, StageWork
from tests.support.make.inference import encoded, painted, resource_ref, stage_spec
from tests.support.networks import colour_classifier, colour_detector, fixed_output
from tests.support.workers import eventually
from trapper_schemas.ids import uuid7
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.check_results import Expectation, check_results
from trapper_schemas.v1.models import EmbeddingOutput, ModelKind
from trapper_schemas.v1.results import Failed, FailureCode

RED = (255, 0, 0)


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    first, second = colour_detector(folder / "detector.onnx"), colour_classifier(folder / "classifier.onnx")
    later = stage_spec(
        second,
        kind=ModelKind.CLASSIFICATION,
        predictor="classifier",
        size=32,
        how={"resize": "squash"},
        embedding=EmbeddingOutput(output="embedding", dimension=3),
        activation="softmax",
        output="logits",
    )
    return (StageWork(stage_spec(first), first), StageWork(later, second))


def batch(stages, *contents):
    resources = tuple(ResourceWork(resource_ref(), content) for content in contents)
    return BatchWork(uuid7(), 3, uuid7(), tuple(stages), resources)


def settings(**more):
    return ChildSettings(**({"threads": 2} | more))


async def test_a_batch_comes_back_as_a_blob_that_the_manager_accepts(stages, tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(encoded(painted([(0, 0, RED)])))
    gone = Failed(code=FailureCode.MEDIA_UNREACHABLE, message="the network said no")
    work = batch(stages, photo, encoded(painted()), gone, b"", tmp_path / "missing.jpg")
    heard = []
    async with InferenceChild(settings()) as child:
        ran = await child.run(work, on_progress=heard.append)
        assert set(child.loaded) == {stage.spec.stage.model.sha256 for stage in stages}
    assert (ran.seen, ran.blank, ran.failed) == (2, 1, 3)
    assert heard == sorted(set(heard))  # not every picture is told, the last one always
    assert heard[-1] == 5
    assert ran.images_per_second > 0
    assert set(ran.model_images_per_second) == {stage.spec.stage.model.sha256 for stage in stages}
    results = read_results(ran.blob)
    expected = Expectation(
        batch_id=work.batch_id,
        attempt=3,
        resource_ids=tuple(resource.ref.id for resource in work.resources),
        stages=tuple(stage.spec.stage for stage in stages),
        labels=(3, 3),
        features=3,
    )
    check_results(results, expected)
    assert results.outcomes[2] == gone
    assert results.outcomes[4].code is FailureCode.MEDIA_UNREACHABLE
    assert results.stages[0].provider == "CPUExecutionProvider"


async def test_the_child_survives_any_number_of_batches_and_is_replaced_in_time(stages):
    async with InferenceChild(settings(batches_per_child=2)) as child:
        pids = []
        for _ in range(3):
            await child.run(batch(stages, encoded(painted())))
            pids.append(child.pid)
    assert pids[0] is not None
    assert pids[1] is None  # two batches, then it left
    assert pids[2] not in (None, pids[0])


async def test_a_child_that_grew_too_big_is_replaced_after_its_batch(stages):
    async with InferenceChild(settings(memory_limit_bytes=300 * 1024 * 1024, batches_per_child=9)) as child:
        big = encoded(painted(width=4000, height=4000))
        with contextlib.suppress(InferenceDied):  # where the watch was faster than the batch
            await child.run(batch(stages, *[big] * 6))
        assert child.pid is None or child.loaded
        await child.run(batch(stages[:1], encoded(painted())))


async def test_a_killed_child_is_one_crash_and_the_next_batch_runs(stages):
    async with InferenceChild(settings()) as child:
        os.kill(child.pid, signal.SIGSTOP)
        running = asyncio.create_task(child.run(batch(stages, encoded(painted()))))
        await eventually(lambda: child.aboard)
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(InferenceDied, match="SIGKILL"):
            await running
        assert (await child.run(batch(stages, encoded(painted())))).seen == 1


async def test_when_two_batches_die_together_each_is_looked_at_once_more_alone(stages):
    async with InferenceChild(settings()) as child:
        os.kill(child.pid, signal.SIGSTOP)
        running = [asyncio.create_task(child.run(batch(stages, encoded(painted())))) for _ in range(2)]
        await eventually(lambda: child.aboard == 2)
        os.kill(child.pid, signal.SIGKILL)
        assert [ran.seen for ran in await asyncio.gather(*running)] == [1, 1]


async def test_a_batch_that_kills_is_found_out_and_the_one_beside_it_comes_through(stages):
    """The second time each is alone, so that only the guilty one meets its end again."""
    async with InferenceChild(settings(memory_limit_bytes=400 * 1024 * 1024)) as child:
        os.kill(child.pid, signal.SIGSTOP)
        huge = encoded(painted(width=12_000, height=8_000), "PNG", compress_level=1)
        deadly = asyncio.create_task(child.run(batch(stages, *[huge] * 3)))
        harmless = asyncio.create_task(child.run(batch(stages, encoded(painted()))))
        await eventually(lambda: child.aboard == 2)
        os.kill(child.pid, signal.SIGCONT)
        with pytest.raises(InferenceDied, match="MiB are in use"):
            await deadly
        assert (await harmless).seen == 1


async def test_a_cancelled_batch_takes_the_process_along_and_the_other_one_is_done_all_the_same(stages):
    async with InferenceChild(settings()) as child:
        os.kill(child.pid, signal.SIGSTOP)
        cancelled = asyncio.create_task(child.run(batch(stages, encoded(painted()))))
        other = asyncio.create_task(child.run(batch(stages, encoded(painted()))))
        await eventually(lambda: child.aboard == 2)
        cancelled.cancel()
        assert (await other).seen == 1


async def test_many_batches_go_through_one_process_two_at_a_time(stages):
    async with InferenceChild(settings(batches_per_child=4)) as child:
        work = [batch(stages, *[encoded(painted([(0, 0, RED)]))] * 3) for _ in range(10)]
        most = 0

        def look(_done):
            nonlocal most
            most = max(most, child.aboard)

        ran = await asyncio.gather(*(child.run(one, on_progress=look) for one in work))
    assert [one.seen for one in ran] == [3] * 10
    assert [read_results(one.blob).batch_id for one in ran] == [one.batch_id for one in work]
    assert most == 2


async def test_a_batch_that_takes_too_long_is_ended(stages):
    big = encoded(painted(width=2000, height=2000))
    async with InferenceChild(settings(batch_seconds=1.5)) as child:
        with pytest.raises(InferenceDied, match=r"no answer within 1\.5 s"):
            await child.run(batch(stages, *[big] * 400))
        assert child.pid is None


async def test_a_cancelled_batch_leaves_no_child_at_work(stages):
    async with InferenceChild(settings()) as child:
        os.kill(child.pid, signal.SIGSTOP)
        running = asyncio.create_task(child.run(batch(stages, encoded(painted()))))
        await eventually(lambda: child.aboard)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert child.pid is None
        assert (await child.run(batch(stages, encoded(painted())))).seen == 1


async def test_a_model_that_cannot_run_is_declined_and_the_child_lives_on(stages, tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    async with InferenceChild(settings()) as child:
        with pytest.raises(CannotRun, match="cannot be parsed") as caught:
            await child.run(batch([StageWork(stage_spec(broken), broken)], encoded(painted())))
        assert caught.value.reason == "not-onnx"
        assert (await child.run(batch(stages, encoded(painted())))).seen == 1


async def test_a_device_that_is_not_there_is_declined(stages):
    if any(device.runtime == "onnx-cuda" for device in detect_devices()):
        pytest.skip("this machine has the CUDA provider, and the test wants one without")
    async with InferenceChild(settings(runtime="onnx-cuda")) as child:
        with pytest.raises(CannotRun, match="CUDAExecutionProvider was asked for") as caught:
            await child.run(batch(stages, encoded(painted())))
    assert caught.value.reason == "provider-unavailable"


async def test_an_unknown_runtime_is_declined_at_the_start():
    with pytest.raises(CannotRun, match="'abacus' is not known"):
        async with InferenceChild(settings(runtime="abacus")):
            pass


async def test_a_model_is_proved_on_the_device(stages):
    async with InferenceChild(settings()) as child:
        first, second = [await child.self_test(stages[0]) for _ in range(2)]
        assert first.provider == "CPUExecutionProvider"
        assert first.checksum == second.checksum
        assert first.difference == 0


async def test_a_model_whose_output_does_not_fit_is_not_proved(tmp_path):
    path = fixed_output(tmp_path / "m.onnx", np.zeros((9, 16)), size=128)
    async with InferenceChild(settings()) as child:
        with pytest.raises(CannotRun, match="9x16; expected n x 7") as caught:
            await child.self_test(StageWork(stage_spec(path), path))
    assert caught.value.reason == "model-output"


async def test_the_child_sees_no_secret(monkeypatch):
    monkeypatch.setenv("AI_WORKER_DATABASE_URL", "sqlite:///secret")
    if sys.platform != "linux":
        pytest.skip("this machine has no /proc to look into a process's environment")
    async with InferenceChild(settings()) as child:
        environment = await asyncio.to_thread(Path(f"/proc/{child.pid}/environ").read_bytes)
        assert b"AI_WORKER" not in environment


def test_the_child_dies_with_its_parent():
    code = (
        "import asyncio, time\n"
        "from ai_worker.devices.run_child import InferenceChild\n"
        "from ai_worker.devices.work import ChildSettings\n"
        "async def main():\n"
        "    async with InferenceChild(ChildSettings()) as child:\n"
        "        print(child.pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    for _ in range(1000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the child outlived its parent")


def test_the_processor_is_always_among_the_devices():
    assert "onnx-cpu" in [device.runtime for device in detect_devices()]


@pytest.mark.parametrize("message", [{"kind": "run", "bytes": b"\0" * 3_000_000}, {"kind": "progress", "done": 3}])
def test_messages_survive_the_pipe(message):
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as inlet, os.fdopen(writing, "wb") as outlet:
        sender = threading.Thread(target=pipes.write, args=(outlet, message))
        sender.start()
        assert pipes.read(inlet) == message
        sender.join()
        outlet.close()
        assert pipes.read(inlet) is None


def test_what_is_no_message_is_refused():
    with pytest.raises(pipes.PipeBroken):
        pipes.length_of(b"\xff" * 8)
    with pytest.raises(pipes.PipeBroken):
        pipes.unpack(b"\x01")
