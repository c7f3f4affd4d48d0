"""The Manager as an operator uses it: the catalogue, weights, the fleet."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from trapper_client.api import Api


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

    def models(self) -> list[dict[str, Any]]:
        """The whole catalogue by name."""
        return list(self.api.pages("/api/models/", limit=None))

    def publish_model(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Puts an entry into the catalogue; the same entry again changes nothing."""
        return self.api.post("/api/models/", {"entry": entry})

    def upload_weights(self, sha256: str, chunks: Callable[[], Iterable[bytes]]) -> dict[str, Any]:
        """Sends the weights of a published entry; they are kept when their hash is right."""
        headers = {"Content-Type": "application/octet-stream"}
        return self.api.put(f"/api/models/{sha256}/weights", chunks, headers=headers)

    def workers(self) -> list[dict[str, Any]]:
        """The fleet."""
        return list(self.api.pages("/api/workers/", limit=None))
