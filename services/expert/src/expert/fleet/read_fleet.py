"""Reads workers and queues of every connected Manager; one that does not answer does not hide the others."""

import asyncio
from dataclasses import dataclass

from expert.deps import ExpertWork
from expert.providers import queries
from expert.providers.models import AiProviderConnection
from expert.providers.open_connection import open_connection
from trapper_kit.problems import Forbidden, Problem
from trapper_schemas.v1.queues import Queues
from trapper_schemas.v1.workers import WorkerReply

NO_SCOPE = (
    "The credential of this connection may not see the fleet. Make one with the scopes jobs and fleet "
    "(python -m ai_manager.commands issue_token), and connect the Manager again under the same name."
)


@dataclass(frozen=True)
class ManagerFleet:
    """The workers and queues of one Manager, or why they could not be read."""

    connection: AiProviderConnection
    workers: list[WorkerReply]
    queues: Queues | None
    problem: str | None


async def read_fleet(work: ExpertWork) -> list[ManagerFleet]:
    """Returns every active connection, asked at the same time."""
    async with work.db() as db:
        connections = await queries.active_connections(db)
    return list(await asyncio.gather(*(_read(work, connection) for connection in connections)))


async def _read(work: ExpertWork, connection: AiProviderConnection) -> ManagerFleet:
    try:
        manager = open_connection(work, connection)
        workers, queues = await asyncio.gather(manager.workers(), manager.queues())
    except Forbidden:
        return ManagerFleet(connection, [], None, NO_SCOPE)
    except Problem as problem:
        return ManagerFleet(connection, [], None, problem.detail or problem.title)
    return ManagerFleet(connection, workers, queues, None)
