"""A fleet that waits for work, works for a moment and waits again: one process, started by `bench_polling`."""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from benchmarks.claim_load import Client, Load
from benchmarks.http import Connection, on_fast_loop

BEATING = 8
"""Connections over which the heartbeats of all workers go."""


@dataclass
class Fleet:
    """What all workers do alike, and what they saw."""

    port: int
    wait_seconds: float
    work_seconds: float
    beat_seconds: float
    polls: int = 0
    beats: int = 0
    claimed: dict[str, float] = field(default_factory=dict)
    saved: list[float] = field(default_factory=list)


async def work(fleet: Fleet, credential: dict[str, str]) -> None:
    """Wait, compute, bring, and wait again."""
    body = json.dumps({"runtime": "onnx-cpu", "limit": 1, "wait_seconds": fleet.wait_seconds}).encode()
    async with Connection.opened("127.0.0.1", fleet.port, credential["token"]) as connection:
        client = Client(connection, UUID(credential["worker_id"]), 1)
        while True:
            fleet.polls += 1
            status, answer = await connection.request(
                "POST", "/api/resource_batches/claim/", body, more="Content-Type: application/json\r\n"
            )
            now = time.monotonic()
            assert status == 200, answer
            for lease in json.loads(answer)["batches"]:
                fleet.claimed[lease["batch_id"]] = now
                await asyncio.sleep(fleet.work_seconds)
                await client.save(lease, Load(0, [], []))
                fleet.saved.append(time.monotonic())


async def beat(fleet: Fleet, credentials: list[dict[str, str]]) -> None:
    """The heartbeats of some workers, one after the other, each as often as it is told."""
    more = "Content-Type: application/json\r\n"
    async with Connection.opened("127.0.0.1", fleet.port, "") as connection:
        while True:
            for credential in credentials:
                await asyncio.sleep(random.uniform(0.5, 1.5) * fleet.beat_seconds / len(credentials))  # noqa: S311
                connection.speak_as(credential["token"])
                path = f"/api/workers/{credential['worker_id']}/heartbeat/"
                status, answer = await connection.request("POST", path, b"{}", more=more)
                assert status == 200, answer
                fleet.beats += 1


async def run(order: dict[str, Any]) -> None:
    """Tell on standard output when all wait; until standard input ends."""
    credentials = order.pop("credentials")
    fleet = Fleet(**order)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(fleet, credential)) for credential in credentials]
        tasks += [group.create_task(beat(fleet, credentials[n::BEATING])) for n in range(BEATING) if credentials[n:]]
        while fleet.polls < len(credentials):  # noqa: ASYNC110 - they only count
            await asyncio.sleep(0.05)
        print("waiting", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        for task in tasks:
            task.cancel()
    print(json.dumps({name: getattr(fleet, name) for name in ("claimed", "saved", "polls", "beats")}))


if __name__ == "__main__":
    on_fast_loop(run(json.loads(sys.stdin.readline())))
