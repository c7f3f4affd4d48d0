"""Enrols this machine at a Manager and keeps the credential that it gets."""

import re
import socket

from pydantic import SecretStr

from ai_worker.enrolment.credential import Credential, read_credential, write_secret
from ai_worker.enrolment.errors import NotEnrolled
from ai_worker.manager_client import Manager, is_stranger
from ai_worker.settings import WorkerSettings
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.protocol import PROTOCOL
from trapper_schemas.v1.workers import Device, Enrolment


async def enrol_worker(
    settings: WorkerSettings,
    manager: Manager,
    *,
    manager_url: str,
    version: str,
    runtimes: tuple[str, ...],
    devices: tuple[Device, ...],
    models_on_disk: tuple[str, ...],
    name: str | None = None,
) -> tuple[Credential, bool]:
    """The credential, and whether it is new: one that this Manager still accepts is kept."""
    present = await _accepted(settings, manager_url)
    if present is not None:
        return present, False
    chosen = name or settings.name or host_name()
    request = Enrolment(
        name=chosen,
        version=version,
        protocols=(PROTOCOL,),
        devices=devices,
        runtimes=runtimes,
        models_on_disk=models_on_disk,
    )
    reply = await manager.enrol(request)
    credential = Credential(
        manager_url=manager_url,
        worker_id=reply.worker_id,
        credential=SecretStr(reply.credential),
        credential_expires_at=reply.credential_expires_at,
        name=chosen,
        runtimes=reply.runtimes,
        intervals=reply.intervals,
    )
    write_secret(settings.credential_file, credential.model_dump_json(indent=1))
    log("worker.enrolled", worker=str(credential.worker_id), manager=manager_url)
    return credential, True


async def _accepted(settings: WorkerSettings, manager_url: str) -> Credential | None:
    """The credential of the folder, if it is for this address and the Manager there still accepts it."""
    try:
        present = read_credential(settings)
    except NotEnrolled:
        return None
    if present.manager_url != manager_url:
        return None
    secret = present.credential.get_secret_value()
    manager = Manager.at(manager_url, token=secret, allowed=settings.allowed_addresses)
    try:
        await manager.check()
    except Problem as problem:
        if not is_stranger(problem):
            raise
        log("credential.refused", problem=str(problem))
        return None
    finally:
        await manager.close()
    return present


def host_name() -> str:
    """The name of this host, with the characters that the name of a worker may have."""
    plain = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()).lstrip(".-")[:64]
    return plain or "worker"
