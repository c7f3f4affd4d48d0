"""Several devices of one worker, each with a process of its own; here they are all the processor."""

import asyncio
import os
import signal

import pytest

from ai_worker.devices.children import Children
from ai_worker.devices.run_child import LANES
from ai_worker.devices.work import BatchWork, ChildSettings, InferenceDied, ResourceWork, StageWork
from tests.support.make.inference import encoded, painted, resource_ref, stage_spec
from tests.support.networks import colour_detector
from trapper_schemas.ids import uuid7
from trapper_schemas.read_results import read_results

RED = (255, 0, 0)


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    path = colour_detector(tmp_path_factory.mktemp("networks") / "detector.onnx")
    return (StageWork(stage_spec(path), path),)


def batch(stages, count, picture):
    resources = tuple(ResourceWork(resource_ref(), picture) for _ in range(count))
    return BatchWork(uuid7(), 1, uuid7(), stages, resources)


def test_the_cores_are_shared_out_among_the_devices():
    two = Children.on(("cpu:0", "cpu:1"), ChildSettings(threads=4))
    assert [(child.settings.device, child.settings.threads) for child in two.each] == [("cpu:0", 2), ("cpu:1", 2)]
    assert Children.on(("cpu:0", "cpu:1", "cpu:2"), ChildSettings(threads=2)).each[2].settings.threads == 1
    assert Children.on(("cpu",), ChildSettings()).each[0].settings.threads == 0


def test_a_batch_goes_to_the_device_with_the_least_to_do():
    two = Children.on(("cpu:0", "cpu:1"), ChildSettings())
    given = []
    for _ in range(2 * LANES):
        assert two.has_lane()
        place = two.least_busy()
        given.append((place, place.__enter__()))
    assert [child.settings.device for _, child in given] == ["cpu:0", "cpu:1"] * LANES
    assert not two.has_lane()
    given[1][0].__exit__(None, None, None)
    with two.least_busy() as child:
        assert child is given[1][1]


async def test_two_devices_look_at_once_and_results_say_which(stages):
    photo = encoded(painted([(0, 0, RED)], width=1024, height=1024))
    async with Children.on(("cpu:0", "cpu:1"), ChildSettings(threads=2)) as children:
        begun = [asyncio.Event(), asyncio.Event()]
        running = [
            asyncio.create_task(child.run(batch(stages, 40, photo), on_progress=lambda _, event=event: event.set()))
            for child, event in zip(children.each, begun, strict=True)
        ]
        pids = {child.pid for child in children.each}
        assert len(pids) == 2
        for event in begun:
            await event.wait()
        ran = await asyncio.gather(*running)
        assert children.loaded == (stages[0].spec.stage.model.sha256,)
    assert [one.seen for one in ran] == [40, 40]
    assert [read_results(one.blob).stages[0].device for one in ran] == ["cpu:0", "cpu:1"]


async def test_a_device_that_dies_costs_its_own_batch_only(stages):
    photo = encoded(painted([(0, 0, RED)], width=1024, height=1024))
    async with Children.on(("cpu:0", "cpu:1"), ChildSettings(threads=2)) as children:
        first, second = children.each
        os.kill(first.pid, signal.SIGSTOP)  # so that it is in the middle of its batch for sure
        dying = asyncio.create_task(first.run(batch(stages, 3, photo)))
        assert (await second.run(batch(stages, 3, photo))).seen == 3
        os.kill(first.pid, signal.SIGKILL)
        with pytest.raises(InferenceDied, match="SIGKILL"):
            await dying
        assert (await second.run(batch(stages, 3, photo))).seen == 3
        assert (await first.run(batch(stages, 3, photo))).seen == 3
