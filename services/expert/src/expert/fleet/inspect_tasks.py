"""Reads the task queue of this service in Valkey, and puts its dead letters back."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, cast

from pydantic import BaseModel

from expert.deps import ExpertWork
from trapper_kit.broker import QUEUE, QueueTaskSender
from trapper_kit.logs import log

MOST = 200
"""Dead letters that are read or put back at once."""


class _Commands(Protocol):
    """The commands of the Redis client that are used here."""

    def llen(self, name: str) -> int: ...
    def hlen(self, name: str) -> int: ...
    def zcard(self, name: str) -> int: ...
    def zrevrange(self, name: str, start: int, end: int, *, withscores: bool) -> Sequence[tuple[bytes, float]]: ...
    def hget(self, name: str, key: bytes) -> bytes | None: ...
    def hdel(self, name: str, key: bytes) -> int: ...
    def zrem(self, name: str, value: bytes) -> int: ...


class _Broker(Protocol):
    """Dramatiq's broker in Redis, as far as it is used here."""

    namespace: str
    client: _Commands


class _Options(BaseModel):
    traceback: str = ""


class _Body(BaseModel):
    """A message as Dramatiq stores it."""

    actor_name: str
    kwargs: dict[str, object]
    options: _Options


@dataclass(frozen=True)
class DeadTask:
    """A task message that failed as often as it may."""

    key: bytes
    body: _Body
    died_at: datetime

    @property
    def id(self) -> str:
        """The message's id in the queue."""
        return self.key.decode()

    @property
    def task(self) -> str:
        """The task's name."""
        return self.body.actor_name

    @property
    def arguments(self) -> dict[str, str]:
        """What the task was called with, as JSON where it is no text."""
        return {name: v if isinstance(v, str) else json.dumps(v) for name, v in self.body.kwargs.items()}

    @property
    def error(self) -> str | None:
        """The last line of its latest traceback."""
        lines = self.body.options.traceback.strip().splitlines()
        return lines[-1][:500] if lines else None


@dataclass(frozen=True)
class TaskQueue:
    """Messages of the queue by state, and the latest dead letters."""

    waiting: int
    delayed: int
    dead: int
    dead_tasks: list[DeadTask]


async def inspect_tasks(work: ExpertWork) -> TaskQueue | None:
    """Returns the queue, or None when sweeps do all the work; raises what is in UNREACHABLE."""
    sender = work.task_sender
    return None if sender is None else await asyncio.to_thread(_inspect, sender)


async def replay_dead_tasks(work: ExpertWork) -> int:
    """Puts dead letters back, as new as at first, and returns their number; raises what is in UNREACHABLE."""
    sender = work.task_sender
    replayed = 0 if sender is None else await asyncio.to_thread(_replay, sender)
    log("fleet.replayed", tasks=replayed)
    return replayed


def _queue_of(sender: QueueTaskSender) -> tuple[_Commands, str]:
    broker = cast("_Broker", sender.broker)
    return broker.client, f"{broker.namespace}:{QUEUE}"


def _inspect(sender: QueueTaskSender) -> TaskQueue:
    redis, key = _queue_of(sender)
    return TaskQueue(redis.llen(key), redis.hlen(f"{key}.DQ.msgs"), redis.zcard(f"{key}.XQ"), _dead_tasks(redis, key))


def _dead_tasks(redis: _Commands, key: str) -> list[DeadTask]:
    """The latest first; one whose body has expired is left out."""
    bodies = (
        (message_id, died, redis.hget(f"{key}.XQ.msgs", message_id))
        for message_id, died in redis.zrevrange(f"{key}.XQ", 0, MOST - 1, withscores=True)
    )
    return [
        DeadTask(message_id, _Body.model_validate_json(body), datetime.fromtimestamp(died / 1000, UTC))
        for message_id, died, body in bodies
        if body is not None
    ]


def _replay(sender: QueueTaskSender) -> int:
    """Sends before it deletes: a crash between the two doubles a message, which every task bears."""
    redis, key = _queue_of(sender)
    dead = _dead_tasks(redis, key)
    for each in dead:
        sender.repeat(each.task, each.body.kwargs)
        redis.zrem(f"{key}.XQ", each.key)
        redis.hdel(f"{key}.XQ.msgs", each.key)
    return len(dead)
