"""The media grant of a job: what lets a worker read the job's media, and nothing else, as long as the job is open."""

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from trapper_kit.tokens import derive, same, sign

_PURPOSE = "media-grant"
_KEY_ID_LENGTH = 8


@dataclass(frozen=True)
class Grant:
    """What a grant is about."""

    job_id: UUID
    connection_id: UUID


def issue_grant(secret: str, grant: Grant) -> str:
    """Key id, job, connection and their HMAC; always the same for the same job, so a job is submitted twice alike."""
    key = derive(secret, _PURPOSE)
    parts = (sha256(key).hexdigest()[:_KEY_ID_LENGTH], str(grant.job_id), str(grant.connection_id))
    return ".".join((*parts, sign(key, *parts)))


def read_grant(secret: str, value: str) -> Grant | None:
    """The grant, when it is one of ours."""
    try:
        _, job_id, connection_id, _ = value.split(".")
        grant = Grant(UUID(job_id), UUID(connection_id))
    except ValueError:
        return None
    return grant if same(issue_grant(secret, grant), value) else None
