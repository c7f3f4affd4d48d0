"""Listen for the notifications of every connected Manager; each enqueues `results.fetch`, and may be lost."""

import asyncio
from uuid import UUID

from expert.deps import ExpertWork
from expert.jobs import queries as jobs
from expert.providers import queries as providers
from expert.providers.seal import unseal
from trapper_kit.db import DatabaseUnavailable, enqueue_after_commit
from trapper_kit.logs import log
from trapper_kit.notifications import NotificationListener
from trapper_kit.problems import Problem
from trapper_schemas.notifications import RESULTS_READY, ResultsReady, expert_queue


async def listen_for_results(work: ExpertWork) -> None:
    """For ever: one listener thread per connection that has a notification, and new connections within a minute."""
    loop = asyncio.get_running_loop()
    listeners: dict[tuple[UUID, str], NotificationListener] = {}
    hearing: set[asyncio.Task[None]] = set()

    def heard(*, job_id: str) -> None:
        loop.call_soon_threadsafe(start, ResultsReady(job_id=job_id).job_id)

    def start(job_id: str) -> None:
        one = loop.create_task(_hear(work, job_id))
        hearing.add(one)
        one.add_done_callback(hearing.discard)

    try:
        while True:
            try:
                wanted = await _notifier(work)
            except DatabaseUnavailable:
                wanted = set(listeners)  # as before; the next round asks again
            for gone in listeners.keys() - wanted:
                await asyncio.to_thread(listeners.pop(gone).stop)
            for connection_id, url in wanted - listeners.keys():
                listener = NotificationListener(url, expert_queue(str(connection_id)), RESULTS_READY, heard)
                listener.start()
                listeners[connection_id, url] = listener
            await asyncio.sleep(work.settings.intervals.max_backoff)
    finally:
        for listener in listeners.values():
            listener.stop()


async def _notifier(work: ExpertWork) -> set[tuple[UUID, str]]:
    own = work.settings.notifications_redis_url
    found: set[tuple[UUID, str]] = set()
    async with work.db() as db:
        connections = await providers.active_connections(db)
    for connection in connections:
        try:
            sealed = connection.encrypted_notifications_url
            url = unseal(work.settings, sealed) if sealed else own.get_secret_value() if own else None
        except Problem as problem:
            log("notifications.not_heard", connection=connection.id, problem=problem.type)
            continue
        if url is not None:
            found.add((connection.id, url))
    return found


async def _hear(work: ExpertWork, told: str) -> None:
    """The Manager's id of a job; an unknown one is dropped, so a notification can do no more than make us look."""
    try:
        async with work.db() as db:
            job_id = await jobs.by_manager_id(db, UUID(told))
            if job_id is not None:
                enqueue_after_commit(db, "results.fetch", job_id=job_id)
    except ValueError:
        log("notifications.dropped")
    except DatabaseUnavailable as problem:
        log("notifications.unheeded", problem=type(problem).__name__)  # the sweep looks anyway
