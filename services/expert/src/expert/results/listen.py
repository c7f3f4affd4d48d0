"""Listens to the notifications of every connection's Manager; each only enqueues `results.fetch`."""

import asyncio
from uuid import UUID

from expert.deps import ExpertWork
from expert.jobs import queries as jobs
from expert.providers import queries as providers
from expert.providers.seal import unseal
from trapper_kit.addresses import AddressRefused, networks
from trapper_kit.db import DatabaseUnavailable, enqueue_after_commit
from trapper_kit.logs import log
from trapper_kit.notifications import NotificationListener
from trapper_kit.problems import Problem
from trapper_kit.turns import run_turn
from trapper_schemas.notifications import RESULTS_READY, ResultsReady, expert_queue

Listeners = dict[tuple[UUID, str], NotificationListener]


async def listen_for_results(work: ExpertWork) -> None:
    """Runs one listener thread per connection with an address, and checks for new connections at every sweep."""
    loop = asyncio.get_running_loop()
    listeners: Listeners = {}
    receiving: set[asyncio.Task[None]] = set()

    def received(*, job_id: str) -> None:
        loop.call_soon_threadsafe(start, ResultsReady(job_id=job_id).job_id)

    def start(job_id: str) -> None:
        task = loop.create_task(_receive(work, job_id))
        receiving.add(task)
        task.add_done_callback(receiving.discard)

    async def update() -> None:
        addresses = await _addresses(work)
        for connection in [key for key in listeners if key not in addresses or not listeners[key].is_alive]:
            await asyncio.to_thread(listeners.pop(connection).stop)
        for connection_id, url in addresses - listeners.keys():
            own = work.settings.notifications_redis_url
            is_own = own is not None and own.get_secret_value() == url
            allowed = None if is_own else networks(work.settings.allowed_addresses)
            queue = expert_queue(str(connection_id))
            try:
                listener = NotificationListener(url, queue, RESULTS_READY, received, allowed=allowed)
            except (AddressRefused, ValueError) as error:  # one bad address does not silence the others
                log("notifications.not_heard", connection=connection_id, problem=str(error))
                continue
            listener.start()
            listeners[connection_id, url] = listener

    try:
        while True:
            try:
                await run_turn(update())
            except Exception as error:  # noqa: BLE001 - as before; the next turn tries again
                away = isinstance(error, DatabaseUnavailable)
                log("notifications.not_updated", problem=str(error), error=None if away else error)
            await asyncio.sleep(work.settings.intervals.sweep)
    finally:
        for listener in listeners.values():
            listener.stop()


async def _addresses(work: ExpertWork) -> set[tuple[UUID, str]]:
    own = work.settings.notifications_redis_url
    addresses: set[tuple[UUID, str]] = set()
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
            addresses.add((connection.id, url))
    return addresses


async def _receive(work: ExpertWork, manager_job_id: str) -> None:
    """Enqueue the fetch of a job by the Manager's id of it; an unknown id is dropped."""
    try:
        async with work.db() as db:
            job_id = await jobs.by_manager_id(db, UUID(manager_job_id))
            if job_id is not None:
                enqueue_after_commit(db, "results.fetch", job_id=job_id)
    except ValueError:
        log("notifications.dropped")
    except DatabaseUnavailable as problem:
        log("notifications.unheeded", problem=type(problem).__name__)  # the sweep looks anyway
