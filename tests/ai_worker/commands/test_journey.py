"""What somebody with a field laptop asks, and is told in plain words."""

import asyncio

import pytest

from ai_worker.commands.local_page import ask_page
from ai_worker.commands.status import describe
from ai_worker.commands.take_along import take_along
from ai_worker.commands.words import bytes_in_words, hours_in_words
from tests.support.make.ai_worker import worker_settings
from tests.support.make.inference import stage_spec
from tests.support.workers import enrol, eventually, worker_process
from trapper_kit.http_client import Unreachable

NO_PORT = 9


async def test_before_in_the_field_and_back(manager, detector_file, detector_bytes, pictures, tmp_path):
    settings = worker_settings(tmp_path / "laptop")
    await enrol(manager, settings, offline=True)
    stage = stage_spec(detector_file)
    await manager.publish(stage, detector_bytes)
    manager.door.shut |= {"/save_results/"}
    pictures.open.clear()
    said: list[str] = []
    async with worker_process(settings) as process:
        await ask_page(settings, process.port, "POST", "/pause")
        job_id = await manager.submit([stage], pictures.photos([1, 0, 1, 1] * 2), origins=[pictures.url])
        await eventually(lambda: planned(manager, 2))
        taking = asyncio.create_task(take_along(settings, process.port, hours=72, batches=2, say=said.append))
        await eventually(lambda: any("nothing is taken at the moment: paused" in line for line in said))
        await ask_page(settings, process.port, "POST", "/resume")
        await eventually(lambda: len(set(pictures.asked)) == 8)
        text = "\n".join(await describe(settings, process.port))
        assert "reaches the Manager" in text
        assert "Not everything is here yet: 8 pictures are still to come." in text
        assert "without a link for 3.0 days more" in text
        pictures.open.set()
        assert await taking is True
        assert "No more are taken: everything that was asked for is taken." in said
        await eventually(lambda: process.states() == {"kept": 2})
        manager.door.shut |= {"/api/"}
        await eventually(lambda: unreached(settings, process.port))
        text = "\n".join(await describe(settings, process.port))
        assert "Nothing is left to compute." in text
        assert "2 finished batches" in text
        await process.kill()
    text = "\n".join(await describe(settings, NO_PORT))
    assert "No worker runs here" in text
    assert "2 finished batches" in text
    manager.door.shut.clear()
    async with worker_process(settings) as process:
        assert (await manager.closed(job_id)).counts.done == 6
        await eventually(lambda: process.states() == {"delivered": 2})
        assert "Everything that is finished is delivered: 2 batches" in "\n".join(
            await describe(settings, process.port)
        )


async def planned(manager, count):
    return len(await manager.batches()) == count


async def unreached(settings, port):
    return any("cannot be reached" in line for line in await describe(settings, port))


async def test_without_a_worker_nothing_can_be_taken_along(manager, tmp_path):
    settings = worker_settings(tmp_path / "laptop")
    await enrol(manager, settings)
    with pytest.raises(Unreachable):
        await take_along(settings, NO_PORT, hours=1, batches=1, say=print)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (bytes_in_words(512), "512 bytes"),
        (bytes_in_words(3.5 * 1024**3), "3.5 GiB"),
        (bytes_in_words(9 * 1024**4), "9.0 TiB"),
        (hours_in_words(72 * 3600), "3.0 days"),
        (hours_in_words(5 * 3600), "5.0 hours"),
        (hours_in_words(90), "2 minutes"),
        (hours_in_words(-5), "0 minutes"),
    ],
)
def test_sizes_and_times_are_said_as_people_say_them(said, words):
    assert said == words
