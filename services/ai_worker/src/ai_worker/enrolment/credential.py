"""Keeps the credential on the disk: readable by its owner only, replaced whole or not at all."""

import os
import secrets
from datetime import datetime
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_serializer

from ai_worker.enrolment.errors import CredentialDamaged, NotEnrolled
from ai_worker.settings import WorkerSettings
from trapper_kit.tokens import new_token
from trapper_schemas.v1.workers import Intervals


class Credential(BaseModel):
    """The credential of an enrolled worker, and the Manager it is for."""

    model_config = ConfigDict(frozen=True)

    manager_url: str
    worker_id: UUID
    credential: SecretStr
    credential_expires_at: datetime
    name: str
    runtimes: list[str]
    intervals: Intervals

    @field_serializer("credential", when_used="json")
    def _plain(self, value: SecretStr) -> str:
        return value.get_secret_value()


def read_credential(settings: WorkerSettings) -> Credential:
    """The credential of this state folder; NotEnrolled, or CredentialDamaged when the file is not one."""
    try:
        return Credential.model_validate_json(settings.credential_file.read_bytes())
    except FileNotFoundError:
        raise NotEnrolled from None
    except (OSError, ValidationError) as problem:
        raise CredentialDamaged(f"{settings.credential_file} cannot be read ({type(problem).__name__})") from None


def replace_credential(settings: WorkerSettings, secret: str, expires_at: datetime | None) -> Credential:
    """Write the next credential durably, before any request uses it."""
    present = read_credential(settings)
    ends = present.credential_expires_at if expires_at is None else expires_at
    following = present.model_copy(update={"credential": SecretStr(secret), "credential_expires_at": ends})
    write_secret(settings.credential_file, following.model_dump_json(indent=1))
    return following


def write_secret(path: Path, content: str) -> None:
    """Replace a file durably; only its owner may read it."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def local_token(settings: WorkerSettings) -> str:
    """The token of the local routes, made once."""
    path = settings.local_token_file
    if not path.exists():
        write_secret(path, new_token("local"))
    return path.read_text("utf-8").strip()
