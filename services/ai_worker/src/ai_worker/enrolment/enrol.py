"""Introduces this machine to a Manager and keeps the credential that it answers."""

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
    ask = Enrolment(
        name=chosen,
        version=version,
        protocols=(PROTOCOL,),
        devices=devices,
        runtimes=runtimes,
        models_on_disk=models_on_disk,
    )
    reply = await manager.enrol(ask)
    bought = Credential(
        manager_url=manager_url,
        worker_id=reply.worker_id,
        credential=SecretStr(reply.credential),
        credential_expires_at=reply.credential_expires_at,
        name=chosen,
        runtimes=reply.runtimes,
        intervals=reply.intervals,
    )
    write_secret(settings.credential_file, bought.model_dump_json(indent=1))
    log("worker.enrolled", worker=str(bought.worker_id), manager=manager_url)
    return bought, True


async def _accepted(settings: WorkerSettings, manager_url: str) -> Credential | None:
    """What the folder holds, if it is for this address and whoever answers there still knows it."""
    try:
        present = read_credential(settings)
    except NotEnrolled:
        return None
    if present.manager_url != manager_url:
        return None
    secret = present.credential.get_secret_value()
    asking = Manager.at(manager_url, token=secret, allowed=settings.allowed_addresses)
    try:
        await asking.check()
    except Problem as problem:
        if not is_stranger(problem):
            raise
        log("credential.refused", problem=str(problem))
        return None
    finally:
        await asking.close()
    return present


def host_name() -> str:
    """The host's name as far as a worker may be called so."""
    plain = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()).lstrip(".-")[:64]
    return plain or "worker"
