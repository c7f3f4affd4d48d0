"""The Manager as an operator uses it: the catalogue, weights, the fleet."""

from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from pydantic import BaseModel

from trapper_client.api import Api
from trapper_schemas.v1.models import ModelPins, ModelReply
from trapper_schemas.v1.queues import Queues
from trapper_schemas.v1.workers import InstructedWorkers, WorkerReply

Row = dict[str, Any]


class ManagerClient:
    """One method per call."""

    def __init__(self, base_url: str, token: str | None, *, patience: float = 0.0) -> None:
        self.api = Api(base_url, token, patience=patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.api.close()

    def models(self, *, retired: bool = False) -> list[Row]:
        """The whole catalogue by name, with what is retired when asked for."""
        rows = self.api.pages("/api/models/", limit=None, retired=retired or None)
        return [self._checked(ModelReply, "/api/models/", row) for row in rows]

    def publish_model(self, entry: Row, proof: Row | None = None) -> Row:
        """Puts an entry into the catalogue, with its golden run; the same entry again changes nothing."""
        path = "/api/models/"
        return self._checked(ModelReply, path, self.api.post(path, {"entry": entry, "proof": proof}))

    def pins(self, name: str, version: str) -> ModelPins:
        """The hash of an entry that an operator confirmed, and what workers proposed."""
        return self.api.read(ModelPins, f"/api/models/{quote(name)}/pins/", version=version)

    def pin(self, name: str, version: str, sha256: str, size_bytes: int | None = None) -> Row:
        """Confirms which weights an unpinned entry has; the same hash again changes nothing."""
        body = {"version": version, "sha256": sha256, "size_bytes": size_bytes}
        path = f"/api/models/{quote(name)}/pin/"
        return self._checked(ModelReply, path, self.api.post(path, body))

    def retire_model(self, name: str, version: str, *, retired: bool = True) -> Row:
        """Refuses new jobs on a version, or takes it into use again."""
        path = f"/api/models/{quote(name)}/retire/"
        return self._checked(ModelReply, path, self.api.post(path, {"version": version, "retired": retired}))

    def upload_weights(self, sha256: str, chunks: Callable[[], Iterable[bytes]]) -> Row:
        """Sends the weights of a published entry; they are kept when their hash is right."""
        headers = {"Content-Type": "application/octet-stream"}
        path = f"/api/models/{sha256}/weights"
        return self._checked(ModelReply, path, self.api.put(path, chunks, headers=headers))

    def save_weights(self, sha256: str, target: Path) -> None:
        """The weights that the Manager holds, in a file."""
        self.api.save(f"/api/models/{sha256}/weights", target)

    def workers(self) -> list[Row]:
        """The fleet."""
        rows = self.api.pages("/api/workers/", limit=None)
        return [self._checked(WorkerReply, "/api/workers/", row) for row in rows]

    def worker(self, worker_id: str) -> Row:
        """One worker."""
        path = f"/api/workers/{worker_id}/"
        return self._checked(WorkerReply, path, self.api.get(path))

    def instruct(self, order: str, worker_id: str | None = None) -> int:
        """Tells one worker, or all, to pause, resume or drain; how many were told."""
        path = f"/api/workers/{order}/" if worker_id is None else f"/api/workers/{worker_id}/{order}/"
        return self.api.send(InstructedWorkers, "POST", path).workers

    def revoke_worker(self, worker_id: str) -> None:
        """Sends a worker away; its batches are handed out again."""
        self.api.post(f"/api/workers/{worker_id}/revoke/")

    def queues(self) -> Row:
        """What waits, by runtimes and models, and how long it would take."""
        return self._checked(Queues, "/api/queues/", self.api.get("/api/queues/"))

    def _checked(self, kind: type[BaseModel], path: str, document: Row) -> Row:
        """The document itself, once it is known to have the form of its type; raises Unreachable otherwise."""
        self.api.parse(kind, path, document)
        return document
