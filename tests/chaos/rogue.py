"""A hostile worker: enrolled like any other, it speaks the real wire and lies about everything that it leases.

`python -m tests.chaos.rogue MANAGER_URL ENROLMENT_TOKEN BLOBS_FOLDER OTHER_WORKER_ID`; one line of JSON per lie, and it
ends once every lie was refused. Its blobs are other workers' genuine ones with a single thing changed.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from trapper_schemas.codec import MEDIA_TYPE
from trapper_schemas.ids import uuid7
from trapper_schemas.protocol import PROTOCOL
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.batches import BatchLease
from trapper_schemas.v1.results import BatchResults, digest_of, ids_column

REFUSED = frozenset({404, 409, 413, 422})
_PATIENCE_SECONDS = 150.0


@dataclass
class Rogue:
    """Who it says that it is, and which of its lies were refused so far."""

    http: httpx.Client
    blobs: Path
    other_worker: UUID
    worker_id: UUID = field(default_factory=uuid7)
    refused: set[str] = field(default_factory=set)

    def enrol(self, token: str) -> None:
        body = {"name": "rogue", "version": "0", "runtimes": ["onnx-cpu"]}
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid7())}
        answer = self.http.post("/api/workers/", json=body, headers=headers).raise_for_status().json()
        self.worker_id = UUID(answer["worker_id"])
        self.http.headers["Authorization"] = f"Bearer {answer['credential']}"

    def claim(self) -> list[BatchLease]:
        ask = {"runtime": "onnx-cpu", "limit": 2, "wait_seconds": 0.3}
        answer = self.http.post("/api/resource_batches/claim/", json=ask).raise_for_status()
        return [BatchLease.model_validate(one) for one in answer.json()["batches"]]

    def release(self, lease: BatchLease) -> None:
        self.http.post(
            f"/api/resource_batches/{lease.batch_id}/release/", json={"token": lease.token, "reason": "draining"}
        )

    def save(self, lease: BatchLease, blob: bytes, *, sha256: str | None = None) -> httpx.Response:
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Lease-Token": lease.token,
            "Content-Sha256": sha256 or hashlib.sha256(blob).hexdigest(),
        }
        return self.http.post(f"/api/resource_batches/{lease.batch_id}/save_results/", content=blob, headers=headers)

    def genuine(self, resources: int) -> BatchResults | None:
        """What another worker really saw, in a batch of this size."""
        for path in (self.blobs / "results").rglob("*"):
            if path.is_file() and (found := _read(path)) is not None and found.resource_ids.rows == resources:
                return found
        return None

    def honest(self, lease: BatchLease, found: BatchResults, **lie: Any) -> bytes:
        """As the lease wants it, but for the lie."""
        truth = {
            "batch_id": lease.batch_id,
            "attempt": lease.attempt,
            "worker_id": self.worker_id,
            "resource_ids": ids_column([resource.id for resource in lease.resources]),
            "media_digest": digest_of([resource.sha256 for resource in lease.resources], found.seen),
        }
        return replace(found, **(truth | lie)).to_blob()

    def note(self, lie: str, answer: httpx.Response) -> None:
        if answer.status_code in REFUSED:
            self.refused.add(lie)
        sys.stdout.write(json.dumps({"lie": lie, "status": answer.status_code, "said": answer.text[:300]}) + "\n")
        sys.stdout.flush()


def _read(path: Path) -> BatchResults | None:
    try:
        results = read_results(path.read_bytes())
    except (OSError, ValueError):
        return None
    return results if results.stages else None


Lie = Callable[[Rogue, BatchLease, BatchResults], httpx.Response]


def _replayed_token(rogue: Rogue, lease: BatchLease, found: BatchResults) -> httpx.Response:
    rogue.release(lease)
    return rogue.save(lease, rogue.honest(lease, found))


def _truncated(rogue: Rogue, lease: BatchLease, found: BatchResults) -> httpx.Response:
    blob = rogue.honest(lease, found)
    return rogue.save(lease, blob[: len(blob) // 2])


def _other_heartbeat(rogue: Rogue, lease: BatchLease, _found: BatchResults) -> httpx.Response:
    beat = {"leases": [{"batch_id": str(lease.batch_id), "token": lease.token}]}
    return rogue.http.post(f"/api/workers/{rogue.other_worker}/heartbeat/", json=beat)


LIES: dict[str, Lie] = {
    "another batch's blob": lambda rogue, lease, found: rogue.save(lease, found.to_blob()),
    "another attempt": lambda rogue, lease, found: rogue.save(
        lease, rogue.honest(lease, found, attempt=lease.attempt + 1)
    ),
    "another worker's id": lambda rogue, lease, found: rogue.save(
        lease, rogue.honest(lease, found, worker_id=rogue.other_worker)
    ),
    "other resources": lambda rogue, lease, found: rogue.save(
        lease, rogue.honest(lease, found, resource_ids=found.resource_ids)
    ),
    "a token that is over": _replayed_token,
    "a truncated blob": _truncated,
    "a false checksum": lambda rogue, lease, found: rogue.save(lease, rogue.honest(lease, found), sha256="0" * 64),
    "another worker's heartbeat": _other_heartbeat,
}


def lie_until_all_are_refused(rogue: Rogue) -> bool:
    """Lease, lie, give back; whoever does not answer is asked again."""
    ends = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends and set(LIES) - rogue.refused:
        try:
            for lease in rogue.claim():
                found = rogue.genuine(len(lease.resources))
                left = sorted(set(LIES) - rogue.refused)
                if found is not None and left:
                    rogue.note(left[0], LIES[left[0]](rogue, lease, found))
                rogue.release(lease)
        except httpx.HTTPError as problem:
            sys.stderr.write(f"{problem!r}\n")
            time.sleep(0.2)
    return not set(LIES) - rogue.refused


def _enrol_patiently(rogue: Rogue, token: str) -> None:
    for _ in range(100):
        try:
            rogue.enrol(token)
        except httpx.HTTPError:
            time.sleep(0.3)
        else:
            return
    raise SystemExit("nobody answered")


def main() -> int:
    url, token, blobs, other = sys.argv[1:]
    headers = {"Trapper-Protocol": str(PROTOCOL)}
    with httpx.Client(base_url=url, headers=headers, timeout=10, trust_env=False) as http:
        rogue = Rogue(http, Path(blobs), UUID(other))
        _enrol_patiently(rogue, token)
        return 0 if lie_until_all_are_refused(rogue) else 1


if __name__ == "__main__":
    sys.exit(main())
