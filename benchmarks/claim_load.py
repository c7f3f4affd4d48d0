"""Workers that claim and save as fast as they are answered: one process, started by `bench_claims`."""

import asyncio
import hashlib
import json
import sys
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import zstandard

from benchmarks.http import Connection, on_fast_loop
from tests.support.make.ai_manager import results_of
from trapper_schemas.v1.batches import BatchLease

SENTINEL = UUID("01890000-dead-7000-8000-0123456789ab")


@dataclass
class Load:
    """What is left to claim, for all clients together, and how long the calls took."""

    left: int
    claims: list[float]
    saves: list[float]


class Client:
    """One worker: claims a few, brings an empty result for each."""

    def __init__(self, connection: Connection, worker_id: UUID, limit: int) -> None:
        self.connection = connection
        self.worker_id = worker_id
        self.claiming = json.dumps({"runtime": "onnx-cpu", "limit": limit}).encode()
        self.limit = limit
        self.template: bytes | None = None
        self.compressor = zstandard.ZstdCompressor(level=3)

    async def round(self, load: Load) -> None:
        """One claim and what follows."""
        began = time.perf_counter()
        status, body = await self.connection.request(
            "POST", "/api/resource_batches/claim/", self.claiming, more="Content-Type: application/json\r\n"
        )
        load.claims.append(time.perf_counter() - began)
        assert status == 200, body
        leases = json.loads(body)["batches"]
        assert len(leases) == self.limit, f"{len(leases)} of {self.limit} batches were there"
        for lease in leases:
            await self.save(lease, load)

    async def save(self, lease: dict[str, Any], load: Load) -> None:
        """Everything seen, nothing found."""
        blob = self.blob(lease)
        headers = (
            f"Lease-Token: {lease['token']}\r\nContent-Sha256: {hashlib.sha256(blob).hexdigest()}\r\n"
            "Content-Type: application/octet-stream\r\n"
        )
        began = time.perf_counter()
        path = f"/api/resource_batches/{lease['batch_id']}/save_results/"
        status, body = await self.connection.request("POST", path, blob, more=headers)
        load.saves.append(time.perf_counter() - began)
        assert status == 200, body

    def blob(self, lease: dict[str, Any]) -> bytes:
        """The first one is built, the others are the same but for the batch they name."""
        if self.template is None:
            whole = BatchLease.model_validate(lease).model_copy(update={"batch_id": SENTINEL})
            blob = results_of(whole, self.worker_id).to_blob()
            self.template = zstandard.ZstdDecompressor().decompress(blob)
        batch_id = UUID(lease["batch_id"])
        content = self.template.replace(str(SENTINEL).encode(), str(batch_id).encode())
        return self.compressor.compress(content.replace(SENTINEL.bytes, batch_id.bytes))


async def run(order: dict[str, Any]) -> dict[str, Any]:
    """All clients at once, after one warm-up round each, until the batches are used up."""
    load = Load(order["batches"], [], [])

    async def run_client(credential: dict[str, str], ready: asyncio.Barrier) -> None:
        async with Connection.opened("127.0.0.1", order["port"], credential["token"]) as connection:
            client = Client(connection, UUID(credential["worker_id"]), order["limit"])
            await client.round(Load(0, [], []))
            await ready.wait()
            while load.left > 0:
                load.left -= order["limit"]
                await client.round(load)

    ready = asyncio.Barrier(len(order["credentials"]) + 1)
    async with asyncio.TaskGroup() as group:
        for credential in order["credentials"]:
            group.create_task(run_client(credential, ready))
        await ready.wait()
        began, used = time.perf_counter(), time.process_time()
    return {
        "batches": len(load.saves),
        "seconds": time.perf_counter() - began,
        "client_core_seconds": time.process_time() - used,
        "claim_p50_ms": 1000 * sorted(load.claims)[len(load.claims) // 2],
        "save_p50_ms": 1000 * sorted(load.saves)[len(load.saves) // 2],
    }


if __name__ == "__main__":
    print(json.dumps(on_fast_loop(run(json.loads(sys.stdin.read())))))
