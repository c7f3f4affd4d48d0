"""The Manager as an operator uses it: the catalogue, weights, the fleet."""

from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from trapper_client.api import Api
from trapper_schemas.v1.models import ModelPins


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

    def models(self, *, retired: bool = False) -> list[dict[str, Any]]:
        """The whole catalogue by name, with what is retired when asked for."""
        return list(self.api.pages("/api/models/", limit=None, retired=retired or None))

    def publish_model(self, entry: dict[str, Any], proof: dict[str, Any] | None = None) -> dict[str, Any]:
        """Puts an entry into the catalogue, with its golden run; the same entry again changes nothing."""
        return self.api.post("/api/models/", {"entry": entry, "proof": proof})

    def pins(self, name: str, version: str) -> ModelPins:
        """The hash of an entry that an operator confirmed, and what workers proposed."""
        return ModelPins.model_validate(self.api.get(f"/api/models/{quote(name)}/pins/", version=version))

    def pin(self, name: str, version: str, sha256: str, size_bytes: int | None = None) -> dict[str, Any]:
        """Confirms which weights an unpinned entry has; the same hash again changes nothing."""
        body = {"version": version, "sha256": sha256, "size_bytes": size_bytes}
        return self.api.post(f"/api/models/{quote(name)}/pin/", body)

    def retire_model(self, name: str, version: str, *, retired: bool = True) -> dict[str, Any]:
        """Refuses new jobs on a version, or takes it into use again."""
        return self.api.post(f"/api/models/{quote(name)}/retire/", {"version": version, "retired": retired})

    def upload_weights(self, sha256: str, chunks: Callable[[], Iterable[bytes]]) -> dict[str, Any]:
        """Sends the weights of a published entry; they are kept when their hash is right."""
        headers = {"Content-Type": "application/octet-stream"}
        return self.api.put(f"/api/models/{sha256}/weights", chunks, headers=headers)

    def save_weights(self, sha256: str, target: Path) -> None:
        """The weights that the Manager holds, in a file."""
        self.api.save(f"/api/models/{sha256}/weights", target)

    def workers(self) -> list[dict[str, Any]]:
        """The fleet."""
        return list(self.api.pages("/api/workers/", limit=None))

    def worker(self, worker_id: str) -> dict[str, Any]:
        """One worker."""
        return self.api.get(f"/api/workers/{worker_id}/")

    def instruct(self, order: str, worker_id: str | None = None) -> int:
        """Tells one worker, or all, to pause, resume or drain; how many were told."""
        path = f"/api/workers/{order}/" if worker_id is None else f"/api/workers/{worker_id}/{order}/"
        return self.api.post(path)["workers"]

    def revoke_worker(self, worker_id: str) -> None:
        """Sends a worker away; its batches are handed out again."""
        self.api.post(f"/api/workers/{worker_id}/revoke/")

    def queues(self) -> dict[str, Any]:
        """What waits, by runtimes and models, and how long it would take."""
        return self.api.get("/api/queues/")
