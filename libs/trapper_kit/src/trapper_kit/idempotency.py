"""Doing a thing once: the fingerprint of a request, and the refusal of a key that is used for another one."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel

from trapper_kit.problems import Problem


class IdempotencyKeyReused(Problem):
    type = "idempotency-key-reused"
    title = "This idempotency key was used for another request"
    status = 422


def fingerprint(body: BaseModel | dict[str, Any]) -> str:
    """sha256 of the body in one canonical form."""
    document = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def check_same(stored: str | None, given: str) -> None:
    """Raise IdempotencyKeyReused unless both are the same request."""
    if stored != given:
        raise IdempotencyKeyReused("use a new Idempotency-Key for a new request")
