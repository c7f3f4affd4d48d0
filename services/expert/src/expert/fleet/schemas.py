"""Bodies of the fleet."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from trapper_schemas.base import Reply
from trapper_schemas.v1.queues import Queues
from trapper_schemas.v1.workers import WorkerReply


class ManagerFleetReply(Reply):
    """What one connected Manager has."""

    connection_id: UUID
    name: str
    workers: list[WorkerReply] = Field(description="those that are enrolled, also silent and revoked ones")
    queues: Queues | None = Field(description="what waits for its workers; null when it could not be read")
    problem: str | None = Field(description="why it could not be read, with what to do; null when it was")


class DeadTaskReply(Reply):
    """A message to the task process that failed as often as it may."""

    id: str
    task: str = Field(description="name of the task")
    arguments: dict[str, str] = Field(description="what it was called with")
    died_at: datetime = Field(description="when it failed for the last time")
    error: str | None = Field(description="last line of the traceback; null without one")


class TaskQueueReply(Reply):
    """The messages to this service's task process."""

    waiting: int = Field(description="number of messages that are due, from 0")
    delayed: int = Field(description="number of messages that wait for their next try, from 0")
    dead: int = Field(description="number of dead letters, from 0")
    dead_tasks: list[DeadTaskReply] = Field(description="dead letters, latest first, at most 200")


class FleetReply(Reply):
    """Workers and queues of every connected Manager, and the task queue of this service."""

    managers: list[ManagerFleetReply]
    tasks: TaskQueueReply | None = Field(description="null when sweeps do all the work, or Valkey does not answer")


class ReplayedTasks(Reply):
    """How many dead letters are in the queue again."""

    replayed: int = Field(description="number of messages, from 0 to 200")
