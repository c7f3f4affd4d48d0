"""A Redis client with a time limit for every command; a timeout is raised as a lost connection."""

from collections.abc import Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from trapper_kit.addresses import Network
from trapper_kit.guarded_redis import guarded_connection

TIMEOUT_SECONDS = 2.0
UNREACHABLE = (redis.RedisError, OSError)
"""What a command raises when Redis cannot be reached, does not answer, or refuses."""


class RedisClient(redis.Redis):
    """Raises `redis.ConnectionError` also for a timeout, because Dramatiq reconnects after that error only."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Executes as `redis.Redis` does, once more on a new connection when the pooled one is broken."""
        try:
            return super().execute_command(*args, **options)
        except redis.TimeoutError as error:
            raise redis.ConnectionError(str(error)) from error


def open_redis(url: str, *, seconds: float = TIMEOUT_SECONDS, allowed: Sequence[Network] | None = None) -> RedisClient:
    """Returns a client for this address with these timeouts.

    With `allowed` the address came from a person: each connection resolves and checks it. Raises AddressRefused.
    """
    guarded = None if allowed is None else guarded_connection(url, allowed)
    pool = redis.ConnectionPool.from_url(
        url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=Retry(NoBackoff(), 1)
    )
    if guarded is not None:
        pool.connection_class = guarded
    return RedisClient(connection_pool=pool)
