"""Takes the servers from under the fleet: Valkey forgets, Valkey and PostgreSQL die and come back."""

import asyncio
import signal
from contextlib import suppress
from random import Random

import redis

from tests.chaos.machines import BACK_SECONDS, Fleet
from tests.support.workers import eventually
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_cli.servers.valkey import EmbeddedValkey


async def flush_valkey(fleet: Fleet, _rng: Random) -> str | None:
    def flush() -> int:
        with suppress(redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
            client = redis.Redis.from_url(fleet.valkey.url, socket_timeout=5.0)
            with client.pipeline() as pipeline:
                pipeline.dbsize()
                pipeline.flushall()
                return int(pipeline.execute()[0])
        return 0

    keys = await asyncio.to_thread(flush)
    return f"{keys} keys" if keys else None


async def restart_valkey(fleet: Fleet, rng: Random) -> str | None:
    return await _restart(fleet.valkey, signal.SIGKILL, rng)


async def restart_postgres(fleet: Fleet, rng: Random) -> str | None:
    return await _restart(fleet.postgres, signal.SIGQUIT, rng)


async def _restart(server: EmbeddedPostgres | EmbeddedValkey, number: int, rng: Random) -> str | None:
    stopping = server.process
    if stopping is None or stopping.poll() is not None:
        return None
    stopping.send_signal(number)
    away = rng.uniform(0.3, 2.0)
    async with asyncio.timeout(BACK_SECONDS):
        await eventually(lambda: stopping.poll() is not None)
        await asyncio.sleep(away)
        process = server.launch()  # from this thread: a server ends with the thread that started it
        while not server.is_ready():
            if process.poll() is not None:  # its port may be in use for a moment more
                process = server.launch()
            await asyncio.sleep(0.05)
    return f"away for {away:.1f} s"
