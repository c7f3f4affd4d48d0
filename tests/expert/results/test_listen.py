"""A Manager's notification, over a real Valkey, makes the Expert look; nothing more."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from expert.results.listen import listen_for_results
from expert.settings import Intervals
from tests.support.make.expert_ai import expert, scene, submitted
from trapper_cli.servers.valkey import EmbeddedValkey
from trapper_kit.db import TaskMessage
from trapper_kit.notifications import QueueNotifier
from trapper_schemas.ids import uuid7
from trapper_schemas.notifications import RESULTS_READY, expert_queue


async def test_a_notification_rings_the_fetching_of_its_job_and_an_unknown_one_is_dropped(
    expert_database_url: str, tmp_path: Path, valkey: EmbeddedValkey
) -> None:
    intervals = Intervals(gather_quiet=0, sweep=0.05)
    async with expert(
        expert_database_url, tmp_path, notifications_redis_url=valkey.notifications_url, intervals=intervals
    ) as work:
        heard = asyncio.Event()
        sent: list[TaskMessage] = []

        def note(messages: Sequence[TaskMessage]) -> None:
            sent.extend(messages)
            heard.set()

        listening = asyncio.create_task(listen_for_results(work))
        await asyncio.sleep(0)  # it begins, and finds no connection
        made = await scene(work)
        job_id = await submitted(made)
        ((there,),) = await made.sql("select manager_job_id from ai_classification_jobs")
        work.database.task_sender = note
        manager = QueueNotifier(valkey.notifications_url)
        queue = expert_queue(str(made.connection_id))
        try:
            manager.notify(queue, RESULTS_READY, job_id=str(uuid7()))
            for _ in range(100):
                manager.notify(queue, RESULTS_READY, job_id=str(there))
                with suppress(TimeoutError):
                    await asyncio.wait_for(heard.wait(), 0.2)
                    break
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await manager.close()
        assert sent == [TaskMessage("results.fetch", {"job_id": str(job_id)})]
