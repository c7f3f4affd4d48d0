"""A thousand workers, each with a credential of its own, wait for work at one Manager process.

Batches become available one by one, evenly, and each is claimed, worked on for a moment and saved; the workers beat
their hearts meanwhile. Measured is the time from the moment before the commit that makes a batch available to the
moment when a worker has it. While all of them wait, nothing of the Manager is busy in the database.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from ai_manager.deps import channel
from benchmarks.report import ROOT, Options, Row, Size, parse_options, quantile, report
from benchmarks.stack import RUNTIME, Credential, Stack, manager_stack

NAME = "polling"
MILLISECONDS = 250.0
BATCHES_PER_SECOND = 50
POOL_SHARE = 0.05
"""Of as many connections as polls wait: what the pools of the process may hold in all."""
STATES = """
select count(*) as all, count(*) filter (where state <> 'idle') as busy
from pg_stat_activity where datname = 'ai_manager' and pid <> pg_backend_pid() and backend_type = 'client backend'
"""


@dataclass(frozen=True)
class Sizes:
    """How many workers wait, how many batches come, and at which pace."""

    workers: int
    batches: int
    per_second: int


SIZES = {
    Size.FULL: Sizes(1_000, 3_000, BATCHES_PER_SECOND),
    Size.QUICK: Sizes(1_000, 500, BATCHES_PER_SECOND),
    Size.TINY: Sizes(30, 20, 10),
}


@asynccontextmanager
async def fleet(stack: Stack, credentials: list[Credential]) -> AsyncGenerator[Any, None]:
    """The workers, waiting; what comes out of `end` is what they saw."""
    workers = [{"worker_id": str(credential.worker_id), "token": credential.token} for credential in credentials]
    intervals = stack.work.intervals
    order = {
        "port": stack.port,
        "wait_seconds": intervals.poll,
        "work_seconds": 0.5,
        "beat_seconds": intervals.renew,
        "credentials": workers,
    }
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.polling_load"), cwd=ROOT, stdin=pipe, stdout=pipe, limit=1 << 26
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        line = await process.stdout.readline()
        assert line == b"waiting\n", "the fleet did not start; its reason stands above"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def end(process: Any) -> dict[str, Any]:
    """Stop the workers and hear what they saw."""
    answer, _ = await process.communicate(b"\n")
    assert process.returncode == 0, "the fleet failed; its reason stands above"
    return json.loads(answer)


async def all_wait(stack: Stack, *, within: float = 60.0) -> dict[str, int]:
    """The connections at the first moment at which the Manager has nothing to do but wait."""
    async with asyncio.timeout(within):
        while True:
            before = stack.core_seconds()
            await asyncio.sleep(0.5)
            (states,) = await stack.sql(STATES)
            if states["busy"] == 0 and stack.core_seconds() - before < 0.4:
                return dict(states)


async def make_available(stack: Stack, job: Any, sizes: Sizes) -> dict[str, float]:
    """Batch after batch, each in a transaction that also says so, as planning does it; when each of them began."""
    moments: dict[str, float] = {}
    connection = await asyncpg.connect(stack.database_url)
    copy = await stack.copies(connection) + " returning id"
    began = time.monotonic()
    try:
        for number in range(1, sizes.batches + 1):
            await asyncio.sleep(max(0.0, began + number / sizes.per_second - time.monotonic()))
            async with connection.transaction():
                batch_id = await connection.fetchval(copy, job, number, number)
                await connection.execute("select pg_notify($1, '1')", channel(RUNTIME))
                moments[str(batch_id)] = time.monotonic()
    finally:
        await connection.close()
    return moments


async def measure(options: Options) -> list[Row]:
    """All wait; then work comes."""
    sizes = SIZES[options.size]
    most = 0
    async with manager_stack() as stack:
        job = await stack.first_job()
        credentials = await stack.enrol(sizes.workers)
        async with fleet(stack, credentials) as process:
            quiet = await all_wait(stack)
            print(
                f"{sizes.workers} polls wait; {quiet['all']} connections to the database, {quiet['busy']} of them busy"
            )
            used = stack.core_seconds()
            began = time.monotonic()
            making = asyncio.create_task(make_available(stack, job, sizes))
            while not making.done():
                (states,) = await stack.sql(STATES)
                most = max(most, states["all"])
                await asyncio.sleep(1)
            moments = await making
            seconds = time.monotonic() - began
            used = stack.core_seconds() - used
            await _until_saved(stack, sizes.batches + 1)
            seen = await end(process)
    also = {
        "polls": seen["polls"],
        "heartbeats": seen["beats"],
        "manager_cores": round(used / seconds, 3),
    }
    return [*_speed(sizes, moments, seen, also), *_connections(sizes, quiet["busy"], most)]


async def _until_saved(stack: Stack, batches: int) -> None:
    async with asyncio.timeout(120):
        while (await stack.sql("select count(*) as count from saved_results"))[0]["count"] < batches:  # noqa: ASYNC110
            await asyncio.sleep(0.2)


def _speed(sizes: Sizes, moments: dict[str, float], seen: dict[str, Any], also: dict[str, Any]) -> list[Row]:
    waits = [1000 * max(0.0, seen["claimed"][batch_id] - moment) for batch_id, moment in moments.items()]
    saved = sorted(seen["saved"])[1:]  # the first one was there before
    per_second = (len(saved) - 1) / (saved[-1] - saved[0])
    also = {"p50_ms": round(quantile(waits, 0.5), 1), "max_ms": round(max(waits), 1), **also}
    who = f"{sizes.workers} workers wait"
    return [
        Row(f"{who}: available to claimed, p99", "ms", quantile(waits, 0.99), MILLISECONDS, "the bar", 1.0, True, also),
        Row(f"{who}: batches finished", "batches/s", per_second, sizes.per_second, "those that came", 0.95),
    ]


def _connections(sizes: Sizes, busy: int, most: int) -> list[Row]:
    who, unit, base = f"{sizes.workers} workers wait", "connections", "the polls"
    return [
        Row(f"{who}: busy database connections", unit, busy, sizes.workers, base, 0.0, at_most=True),
        Row(f"{who}: all database connections", unit, most, sizes.workers, base, POOL_SHARE, at_most=True),
    ]


if __name__ == "__main__":
    asking = parse_options(__doc__)
    raise SystemExit(report(NAME, asyncio.run(measure(asking)), asking))
