"""The commands of a field laptop: status and take-along, as sentences and as documents."""
# pyright: basic

import asyncio

import pytest

from ai_worker.commands import main
from ai_worker.commands import take_along as offline
from ai_worker.commands.local_page import ask_page
from ai_worker.commands.status import WorkerStatus, sentences, worker_status
from ai_worker.commands.words import bytes_in_words, hours_in_words
from tests.support.make.ai_worker import worker_settings, write_credential
from tests.support.workers import enrol, eventually, worker_process
from trapper_kit.http_replies import Unreachable

NO_PORT = 9


@pytest.fixture
def settings(tmp_path, monkeypatch):
    chosen = worker_settings(tmp_path / "laptop")
    monkeypatch.setenv("AI_WORKER_STATE_DIR", str(chosen.state_dir))
    return chosen


async def test_before_in_the_field_and_back(manager, stage, pictures, settings, capsys):
    await enrol(manager, settings, offline=True)
    manager.faults.unavailable |= {"/save_results/"}
    pictures.open.clear()
    lines: list[str] = []
    async with worker_process(settings) as process:
        await ask_page(settings, process.port, "POST", "/pause")
        job_id = await manager.submit([stage], pictures.photos([1, 0, 1, 1] * 2), origins=[pictures.url])
        await eventually(lambda: planned(manager, 2))
        taking = asyncio.create_task(
            offline.take_along(settings, process.port, hours=72, batches=2, report=lines.append)
        )
        await eventually(lambda: any("nothing is taken at the moment: paused" in line for line in lines))
        await ask_page(settings, process.port, "POST", "/resume")
        await eventually(lambda: len(set(pictures.asked)) == 8)
        text = await text_of(settings, process.port)
        assert "reaches the Manager" in text
        assert "Not everything is here yet: 8 images are still to come." in text
        assert "without a link for 3.0 days more" in text
        pictures.open.set()
        work = await taking
        assert (work.ready, work.batches_taken, work.over) == (True, 2, "everything that was asked for is taken")
        assert "No more are taken: everything that was asked for is taken." in offline.sentences(work)
        await eventually(lambda: process.states() == {"kept": 2})
        arguments = ["take-along", "--json", "--batches", "1", "--port", str(process.port)]
        assert await asyncio.to_thread(main, arguments) == 1, "nothing waits any more"
        printed = capsys.readouterr()
        work = offline.OfflineWork.model_validate_json(printed.out)
        assert (work.ready, work.batches_taken, work.over) == (False, 0, "no more batches wait at the Manager")
        assert "taken 0 of 1 batches" in printed.err
        manager.faults.unavailable |= {"/api/"}
        await eventually(lambda: unreached(settings, process.port))
        text = await text_of(settings, process.port)
        assert "Nothing is left to compute." in text
        assert "2 computed batches" in text
        await process.kill()
    text = await text_of(settings, NO_PORT)
    assert "No worker runs here" in text
    assert "2 computed batches" in text
    manager.faults.unavailable.clear()
    async with worker_process(settings) as process:
        assert (await manager.closed(job_id)).counts.done == 6
        await eventually(lambda: process.states() == {"delivered": 2})
        assert "Everything that is computed is delivered: 2 batches" in await text_of(settings, process.port)


async def planned(manager, count):
    return len(await manager.batches()) == count


async def unreached(settings, port):
    return "cannot be reached" in await text_of(settings, port)


async def text_of(settings, port):
    return "\n".join(sentences(await worker_status(settings, port)))


async def test_without_a_worker_nothing_can_be_taken_along(manager, settings):
    await enrol(manager, settings)
    with pytest.raises(Unreachable):
        await offline.take_along(settings, NO_PORT, hours=1, batches=1, report=print)


@pytest.mark.parametrize(
    ("text", "words"),
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
def test_sizes_and_times_are_rounded_for_people(text, words):
    assert text == words


def test_status_prints_one_document(settings, capsys):
    write_credential(settings)
    assert main(["status", "--json", "--port", str(NO_PORT)]) == 0
    status = WorkerStatus.model_validate_json(capsys.readouterr().out)
    assert (status.name, status.running, status.manager_reached) == ("tester", False, None)
    assert (status.unfinished.batches, status.results.waiting) == (0, 0)
