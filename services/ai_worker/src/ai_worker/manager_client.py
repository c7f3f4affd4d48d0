"""Client of the Manager: one method per route."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from trapper_kit.addresses import networks
from trapper_kit.http_client import HttpClient
from trapper_kit.problems import Problem, Unavailable
from trapper_schemas.codec import MEDIA_TYPE
from trapper_schemas.ids import uuid7
from trapper_schemas.protocol import PROTOCOL
from trapper_schemas.v1.batches import BatchRelease, ClaimReply, ClaimRequest, SavedBatch
from trapper_schemas.v1.models import GoldenRun, ModelEntry, ModelReply
from trapper_schemas.v1.workers import Enrolment, EnrolmentReply, Heartbeat, HeartbeatReply

PROTOCOL_HEADERS = {"Trapper-Protocol": str(PROTOCOL)}
_ABOVE_POLL_SECONDS = 15.0
_GOLDEN_RUN_SECONDS = 15.0
_PARTIAL = 206
_NOT_FOUND = 404
_CHUNK = 1 << 20


T = TypeVar("T", bound=BaseModel)


class _Items(BaseModel):
    """A list of the catalogue."""

    items: list[dict[str, Any]]


@dataclass(frozen=True)
class Piece:
    """A body that begins at `offset` of the file, read as it comes."""

    offset: int
    chunks: AsyncIterator[bytes]


class Manager:
    """Calls the Manager with the worker's credential; refusals come back as their Problem."""

    def __init__(self, http: HttpClient) -> None:
        self.http = http

    @classmethod
    def at(cls, url: str, *, token: str | None, allowed: list[str]) -> "Manager":
        """Returns a client of the Manager at an address; `token` is a credential, or an enrolment token."""
        return cls(HttpClient(url, token=token, allowed=networks(allowed), headers=PROTOCOL_HEADERS))

    async def enrol(self, ask: Enrolment) -> EnrolmentReply:
        """Exchanges the client's enrolment token for a worker id and a credential."""
        response = await self.http.request(
            "POST", "/api/workers/", json=ask.model_dump(mode="json"), headers={"Idempotency-Key": str(uuid7())}
        )
        return self._understood(EnrolmentReply, response.content)

    async def heartbeat(self, worker_id: UUID, beat: Heartbeat) -> HeartbeatReply:
        """Sends a heartbeat: renews leases and returns orders."""
        response = await self.http.request(
            "POST", f"/api/workers/{worker_id}/heartbeat/", json=beat.model_dump(mode="json"), idempotent=True
        )
        return self._understood(HeartbeatReply, response.content)

    async def claim(self, ask: ClaimRequest) -> ClaimReply:
        """Claims up to n batches; waits at the Manager while there are none."""
        response = await self.http.request(
            "POST",
            "/api/resource_batches/claim/",
            json=ask.model_dump(mode="json"),
            timeout_seconds=ask.wait_seconds + _ABOVE_POLL_SECONDS,
        )
        return self._understood(ClaimReply, response.content)

    async def release(self, batch_id: UUID, release: BatchRelease) -> None:
        """Releases an unfinished batch."""
        await self.http.request(
            "POST", f"/api/resource_batches/{batch_id}/release/", json=release.model_dump(mode="json"), idempotent=True
        )

    async def save_results(self, batch_id: UUID, *, token: str, sha256: str, blob: bytes) -> SavedBatch:
        """Delivers the results of a batch; the same bytes twice are stored once."""
        response = await self.http.request(
            "POST",
            f"/api/resource_batches/{batch_id}/save_results/",
            content=blob,
            headers={"Content-Type": MEDIA_TYPE, "Lease-Token": token, "Content-Sha256": sha256},
            idempotent=True,
        )
        return self._understood(SavedBatch, response.content)

    @asynccontextmanager
    async def weights(self, sha256: str, *, offset: int = 0) -> AsyncGenerator[Piece, None]:
        """Streams weights that the Manager holds, from `offset` on when it can."""
        async with self.http.stream(f"/api/models/{sha256}/weights", headers=range_from(offset)) as response:
            yield piece_of(response, offset)

    async def golden_run(self, sha256: str, *, name: str, version: str) -> GoldenRun | None:
        """Returns the published golden run of the model, or None; without retries, since work goes on without it."""
        try:
            response = await self.http.request(
                "GET",
                f"/api/models/{sha256}/proof/",
                params={"name": name, "version": version},
                idempotent=False,
                timeout_seconds=_GOLDEN_RUN_SECONDS,
            )
        except Problem as problem:
            if status_of(problem) == _NOT_FOUND:
                return None
            raise
        return self._understood(GoldenRun, response.content)

    async def entries(self, keys: Collection[str]) -> list[ModelEntry]:
        """Returns the catalogue entries of the weights with these hashes."""
        response = await self.http.request("GET", "/api/models/")
        items = (await asyncio.to_thread(self._understood, _Items, response.content)).items
        return [ModelReply.model_validate(item) for item in items if item.get("sha256") in keys]

    async def check(self) -> None:
        """Raises the Problem that prevents calls: the Manager does not answer, or the credential is not valid."""
        response = await self.http.request("GET", "/api/models/")
        await asyncio.to_thread(self._understood, _Items, response.content)

    def _understood(self, kind: type[T], content: bytes) -> T:
        """Returns the parsed answer; Unavailable when it is none, such as a network's login page."""
        try:
            return kind.model_validate_json(content)
        except ValidationError as problem:
            raise Unavailable(f"{self.http.base_url} did not answer like a Manager of protocol {PROTOCOL}") from problem

    async def close(self) -> None:
        """Closes the connections."""
        await self.http.close()


class Streamed(Protocol):
    """A response that can be read in chunks."""

    status_code: int

    def aiter_raw(self, chunk_size: int | None = None) -> AsyncIterator[bytes]: ...


def range_from(offset: int) -> dict[str, str]:
    """Returns headers that request the rest of a file."""
    return {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})


def piece_of(response: Streamed, offset: int) -> Piece:
    """Returns the body from `offset` on, or the whole one when the server ignores ranges."""
    return Piece(offset if response.status_code == _PARTIAL else 0, response.aiter_raw(_CHUNK))


def status_of(problem: Problem) -> int:
    """Returns the status of the response."""
    return int(problem.extras.get("answered", problem.status))


def is_stranger(problem: Problem) -> bool:
    """Returns whether the Manager does not accept our credential."""
    return status_of(problem) in {401, 403, 404}


def may_pass(problem: Problem) -> bool:
    """Returns whether a retry may help: no answer, a server error, or too many requests."""
    answered = status_of(problem)
    return answered >= 500 or answered in {408, 425, 429}  # noqa: PLR2004 - HTTP's own numbers
