"""Records what today's Worker and Expert say to today's Manager, so that later Managers are held to it.

    python -m tests.contracts.record_conversation protocol_2 [FOLDER]

Run it on the last commit that speaks a protocol, before the next one is begun. A real worker process talks to a real
Manager on a real database; what passes between them is written to `recorded/NAME.json`, blobs beside it.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import zstandard

from ai_manager.access.issue_token import issue_token
from ai_manager.access.state import Scope
from ai_worker.enrolment.credential import read_credential
from ai_worker.manager_client import PROTOCOL_HEADERS, Manager
from ai_worker.settings import WorkerSettings
from expert.manager_client import ManagerClient
from tests.contracts.recordings import RECORDED, Conversation, Exchange, sha256_of
from tests.support import servers
from tests.support.database import Databases
from tests.support.make.ai_worker import worker_settings
from tests.support.make.inference import stage_spec
from tests.support.managers import RunningManager, running_manager
from tests.support.networks import colour_detector
from tests.support.pictures import Pictures, serving_pictures
from tests.support.workers import eventually, worker_process
from trapper_kit.http_client import networks
from trapper_kit.problems import Problem
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.batches import BatchLease, ClaimRequest, Release
from trapper_schemas.v1.jobs import JobRequest, ResourcePage
from trapper_schemas.v1.workers import Heartbeat, LeaseHeld

_LEFT_OUT = frozenset({"host", "content-length", "user-agent", "connection", "accept", "accept-encoding"})
_KEPT_OF_REPLY = frozenset({"content-type", "content-sha256", "content-range"})
_NAMES = frozenset({"worker_id", "credential", "batch_id", "job_id", "token", "id"})
"""Fields of replies whose values are new each time and are said again later."""


class Recorder:
    """Stands before the Manager's app, passes everything on, and writes down what named callers say."""

    def __init__(self, app: Any, conversation: Conversation, folder: Path) -> None:
        self.app = app
        self.conversation = conversation
        self.folder = folder
        self.names: dict[str, str] = {}
        """By value."""
        self.callers: dict[str, str] = {}
        """By token."""
        self.said = ""
        self.seen: set[str] = set()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, answer = bytearray(), bytearray()
        start: dict[str, Any] = {}

        async def hear() -> Any:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def say(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            answer.extend(message.get("body", b""))
            await send(message)

        await self.app(scope, hear, say)
        if start:
            self._note(scope, bytes(body), start, bytes(answer))

    def _note(self, scope: dict[str, Any], body: bytes, start: dict[str, Any], answer: bytes) -> None:
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        token = headers.get("authorization", "").removeprefix("Bearer ")
        by = self.callers.get(token)
        if by is None:
            return
        told = {key.decode().lower(): value.decode() for key, value in start["headers"]}
        is_json = headers.get("content-type", "").startswith("application/json")
        file = self._file(body, headers) if body and not is_json else None
        reply = json.loads(answer) if "json" in told.get("content-type", "") else None
        query = scope["query_string"].decode()
        asked = json.loads(body) if body and is_json else None
        self.said += scope["path"] + json.dumps(asked)
        self._name(reply, by)
        one = Exchange(
            by=by,
            method=scope["method"],
            path=scope["path"] + (f"?{query}" if query else ""),
            headers={key: value for key, value in headers.items() if key not in _LEFT_OUT},
            json=asked,
            file=file,
            status=start["status"],
            reply_headers={key: value for key, value in told.items() if key in _KEPT_OF_REPLY},
            reply=reply,
        )
        anonymous = Exchange(**self._anonymous(vars(one)))
        known = json.dumps(_without_numbers({**vars(anonymous), "file": None}), sort_keys=True)
        if known not in self.seen:  # the same words once more would prove nothing more
            self.seen.add(known)
            self.conversation.exchanges.append(anonymous)

    def _file(self, body: bytes, headers: dict[str, str]) -> str:
        name = f"{self.folder.name}/body_{sha256_of(body)[:8]}.bin"
        (self.folder.parent / name).write_bytes(body)
        if "content-sha256" in headers:
            self.names.setdefault(headers["content-sha256"], f"sha256.{len(self.names)}")
        return name

    def _name(self, value: Any, by: str) -> None:
        if isinstance(value, list):
            for one in value:
                self._name(one, by)
        for key, one in value.items() if isinstance(value, dict) else ():
            if key in _NAMES and isinstance(one, str) and one not in self.names and one not in self.said:
                self.names[one] = f"{key}.{len(self.names)}"
                if key == "credential":
                    self.callers[one] = "worker"
            self._name(one, by)

    def _anonymous(self, value: Any) -> Any:
        if isinstance(value, str):
            for was, name in sorted(self.names.items(), key=lambda one: -len(one[0])):  # a token has an id in it
                value = value.replace(was, f"{{{{{name}}}}}")
            return value
        if isinstance(value, list):
            return [self._anonymous(one) for one in value]
        if isinstance(value, dict):
            return {key: self._anonymous(one) for key, one in value.items()}
        return value


def _without_numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_numbers(one) for one in value]
    if isinstance(value, dict):
        return {key: _without_numbers(one) for key, one in value.items()}
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else value


async def refused(call: Awaitable[Any]) -> None:
    """Make a call that the Manager refuses."""
    with suppress(Problem):
        await call
        raise AssertionError("this should have been refused")


async def enrol(manager: RunningManager, settings: WorkerSettings, token: str) -> None:
    """As on an operator's command line."""
    command = [sys.executable, "-m", "ai_worker.commands", "enrol", "--manager", manager.url, "--token-stdin"]
    environment = {
        **os.environ,
        "AI_WORKER_STATE_DIR": str(settings.state_dir),
        "AI_WORKER_ALLOWED_ADDRESSES": '["127.0.0.0/8"]',
    }
    for _ in range(2):  # the second time it asks whether its credential is still good
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdin=asyncio.subprocess.PIPE)
        await process.communicate(token.encode())
        assert process.returncode == 0


async def work_and_leave(
    manager: RunningManager, settings: WorkerSettings, pictures: Pictures, submit: Callable[[], Awaitable[UUID]]
) -> None:
    """The worker process: one batch whose delivery is not heard at first, another given back on SIGTERM."""
    manager.door.deaf |= {"/save_results/"}
    async with worker_process(settings) as process:
        await eventually(lambda: manager.rows("select 1 from saved_results"))
        manager.door.deaf.clear()
        await eventually(lambda: process.states().get("delivered"))
        pictures.open.clear()
        await submit()
        await eventually(lambda: process.states().get("leased"))
        held = manager.door.count("/heartbeat/")
        await eventually(lambda: manager.door.count("/heartbeat/") > held + 1)
        process.process.terminate()
        assert await process.process.wait() == 0
    pictures.open.set()


async def refusals(manager: RunningManager, settings: WorkerSettings, expert: ManagerClient) -> None:
    """Every way in which the Manager says no to a worker, with the worker's own client."""
    credential = read_credential(settings)
    secret = credential.credential.get_secret_value()
    client = Manager.at(manager.url, token=secret, allowed=settings.allowed_addresses)
    nobody = UUID(int=7)
    await refused(client.heartbeat(nobody, Heartbeat()))
    await refused(client.claim(ClaimRequest(runtime="onnx-cuda")))
    await refused(client.save_results(nobody, token="none", sha256=sha256_of(b"none"), blob=b"none"))
    with suppress(Problem):
        async with client.weights("0" * 64):
            raise AssertionError("there are no such weights")
    lease = await _claimed(client)
    blob = b"not a blob at all"
    await refused(client.save_results(lease.batch_id, token=lease.token, sha256=sha256_of(blob), blob=blob))
    await refused(client.save_results(lease.batch_id, token="another", sha256=sha256_of(blob), blob=blob))
    await client.release(lease.batch_id, Release(token=lease.token, reason="lost", message="the disk went away"))
    await refused(client.release(lease.batch_id, Release(token=lease.token, reason="lost")))
    lease = await _claimed(client)
    await expert.cancel(lease.job_id)
    held = (LeaseHeld(batch_id=lease.batch_id, token=lease.token),)
    await client.heartbeat(credential.worker_id, Heartbeat(leases=held))
    await refused(client.save_results(lease.batch_id, token=lease.token, sha256=sha256_of(blob), blob=blob))
    await client.close()


async def _claimed(client: Manager) -> BatchLease:
    async with asyncio.timeout(30):
        while True:
            for lease in (await client.claim(ClaimRequest(runtime="onnx-cpu", wait_seconds=1))).batches:
                return lease


async def record(name: str, into: Path = RECORDED) -> None:
    """The whole conversation."""
    folder = into / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with servers.postgres() as server, tempfile.TemporaryDirectory() as place:
        databases = Databases(server)
        url = await databases.fresh("ai_manager")
        async with (
            running_manager(url, Path(place), intervals={"lease": 60.0}, batch_size=2) as manager,
            serving_pictures() as pictures,
        ):
            await _converse(manager, pictures, Path(place), folder)


async def _converse(manager: RunningManager, pictures: Pictures, place: Path, folder: Path) -> None:
    weights = colour_detector(place / "detector.onnx")
    spec = stage_spec(weights)
    await manager.publish(spec, weights.read_bytes())
    (folder / "weights.bin").write_bytes(weights.read_bytes())
    conversation = Conversation(
        protocol=int(PROTOCOL_HEADERS["Trapper-Protocol"]),
        model=spec.model.model_dump(mode="json"),
        weights=f"{folder.name}/weights.bin",
    )
    recorder = Recorder(manager.door.app, conversation, folder)
    manager.door.app = recorder
    async with manager.work.db() as db:
        token = issue_token(
            db,
            name="an-expert",
            scopes=[Scope.JOBS],
            now=manager.work.clock.now(),
            hash_token=manager.work.hash_token,
        )
    enrolment = await manager.enrolment_token()
    recorder.names |= {token: "expert_token", enrolment: "enrolment_token"}
    recorder.callers |= {token: "expert", enrolment: "worker"}
    expert = ManagerClient(manager.url, token, allowed=networks(["127.0.0.0/8"]))

    async def submit(*squares: int, last: bool = True) -> UUID:
        request = JobRequest(
            stages=(spec.stage,),
            resources=tuple(pictures.photos(squares)),
            media_grant=pictures.grant,
            media_origins=(pictures.url,),
            sealed=last,
        )
        return (await expert.submit(uuid7(), request)).id

    settings = worker_settings(place / "worker", slots=1)
    await enrol(manager, settings, enrolment)
    await expert.models()
    first = await submit(1, last=False)
    await expert.append_page(first, ResourcePage(page=1, resources=(pictures.add(b"no picture"),), sealed=True))

    async def more() -> UUID:
        return await submit(2, 0)

    await work_and_leave(manager, settings, pictures, more)
    await refusals(manager, settings, expert)
    await _fetch(manager, expert, first)
    await expert.close()
    blobs = _contents(folder)
    conversation.in_blobs = {
        name: value
        for value, name in recorder.names.items()
        if value.encode() in blobs or (len(value) == len(str(first)) and UUID(value).bytes in blobs)
    }
    conversation.write(folder.with_suffix(".json"))


def _contents(folder: Path) -> bytes:
    found = b""
    for path in sorted(folder.glob("body_*.bin")):
        with suppress(zstandard.ZstdError):
            found += zstandard.ZstdDecompressor().decompress(path.read_bytes())
    return found


async def _fetch(manager: RunningManager, expert: ManagerClient, job_id: UUID) -> None:
    """What the Expert says about a job that ended, and about one that nobody knows."""
    await eventually(lambda: manager.rows("select 1 from jobs where id = :id and closed_at is not null", id=job_id))
    await expert.read_job(job_id)
    await expert.failures(job_id)
    for closed in (await expert.closed_results(job_id)).items:
        await expert.blob(closed.batch_id, at_most=1 << 20)
        await expert.fetched(closed.batch_id)
    await refused(expert.read_job(UUID(int=7)))
    await refused(expert.fetched(UUID(int=7)))
    await expert.cancel(job_id)


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1], *map(Path, sys.argv[2:])))
