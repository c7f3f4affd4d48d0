"""Client of the Manager: one method per route, one open client per Manager."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from trapper_kit.addresses import Network
from trapper_kit.http_client import HttpClient
from trapper_kit.http_replies import parse_reply, read_limited
from trapper_schemas.paging import Page
from trapper_schemas.protocol import HEADER, PROTOCOL
from trapper_schemas.v1.jobs import ClosedBatches, JobReply, JobRequest, ResourceFailure, ResourcePage
from trapper_schemas.v1.models import BlockedModel, ModelReply
from trapper_schemas.v1.queues import Queues
from trapper_schemas.v1.workers import WorkerReply

PAGE_LIMIT = 200


class ManagerClient:
    """One Manager under one credential."""

    def __init__(self, url: str, token: str, *, allowed: Sequence[Network] = (), transport: Any = None) -> None:
        self.http = HttpClient(url, token, allowed=allowed, headers={HEADER: str(PROTOCOL)}, transport=transport)

    async def models(self) -> list[ModelReply]:
        """Returns the whole catalogue."""
        return await self.http.read_pages(ModelReply, "/api/models/")

    async def blocked_models(self) -> list[BlockedModel]:
        """The models that no enrolled worker can run at present."""
        return await self.http.read_pages(BlockedModel, "/api/blocked-models/")

    async def workers(self) -> list[WorkerReply]:
        """Returns every worker, also silent and revoked ones."""
        return await self.http.read_pages(WorkerReply, "/api/workers/")

    async def queues(self) -> Queues:
        """Returns what waits for workers."""
        return parse_reply(Queues, await self.http.request("GET", "/api/queues/"))

    async def instruct_worker(self, worker_id: UUID, order: str) -> None:
        """Tells a worker to pause, resume or drain; repeating changes nothing."""
        await self.http.request("POST", f"/api/workers/{worker_id}/{order}/", idempotent=True)

    async def submit(self, job_id: UUID, request: JobRequest) -> JobReply:
        """Submits a job; repeating is safe, because the key is the job's id."""
        response = await self.http.request(
            "POST",
            "/api/prediction_jobs/",
            content=request.model_dump_json(),
            headers={"Content-Type": "application/json", "Idempotency-Key": str(job_id)},
            idempotent=True,
        )
        return parse_reply(JobReply, response)

    async def append_page(self, job_id: UUID, page: ResourcePage) -> JobReply:
        """Sends more resources of a job that is not sealed."""
        response = await self.http.request(
            "POST",
            f"/api/prediction_jobs/{job_id}/resources/",
            content=page.model_dump_json(),
            headers={"Content-Type": "application/json"},
            idempotent=True,
        )
        return parse_reply(JobReply, response)

    async def read_job(self, job_id: UUID) -> JobReply:
        """Returns the state of a job."""
        response = await self.http.request("GET", f"/api/prediction_jobs/{job_id}/")
        return parse_reply(JobReply, response)

    async def cancel(self, job_id: UUID) -> None:
        """Cancels a job; a worker may still deliver a leased batch."""
        await self.http.request("POST", f"/api/prediction_jobs/{job_id}/cancel/", idempotent=True)

    async def failures(self, job_id: UUID, *, cursor: str | None = None) -> Page[ResourceFailure]:
        """Returns one page of failed resources."""
        params = {"limit": PAGE_LIMIT} | ({"cursor": cursor} if cursor else {})
        response = await self.http.request("GET", f"/api/prediction_jobs/{job_id}/failures/", params=params)
        return parse_reply(Page[ResourceFailure], response)

    async def closed_results(self, job_id: UUID) -> ClosedBatches:
        """Returns the oldest closed batches that are not acknowledged."""
        response = await self.http.request("GET", f"/api/prediction_jobs/{job_id}/results/")
        return parse_reply(ClosedBatches, response)

    async def blob(self, batch_id: UUID, *, at_most: int) -> bytes:
        """Returns the results of one batch, as bytes."""
        async with self.http.stream(f"/api/resource_batches/{batch_id}/results/") as response:
            return await read_limited(response, at_most=at_most)

    async def fetched(self, batch_id: UUID) -> None:
        """Acknowledges results that are durable here, so that the Manager may delete them."""
        await self.http.request("POST", f"/api/resource_batches/{batch_id}/fetched/", idempotent=True)

    async def close(self) -> None:
        """Give the connections back."""
        await self.http.close()


class Managers:
    """Clients of every Manager that this process calls."""

    def __init__(self, allowed: Sequence[Network] = (), transport: Any = None) -> None:
        self._allowed = allowed
        self._transport = transport
        self._clients: dict[tuple[str, str], ManagerClient] = {}

    def client(self, url: str, token: str) -> ManagerClient:
        """Returns the open client of this address and credential."""
        if (url, token) not in self._clients:
            self._clients[url, token] = ManagerClient(url, token, allowed=self._allowed, transport=self._transport)
        return self._clients[url, token]

    async def close(self) -> None:
        """Close them all."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()
