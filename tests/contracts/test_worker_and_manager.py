# pyright: basic, reportPrivateImportUsage=false, reportArgumentType=false
"""The worker's client against the Manager's real app, in process: every call, its refusals, and its replies."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from ai_manager.access.issue_token import issue_token
from ai_manager.access.state import Scope
from ai_manager.app import create_app
from ai_manager.base import task
from ai_manager.batches.errors import JobCancelled, LeaseLost
from ai_manager.results.errors import BlobRefused
from ai_manager.settings import Settings
from ai_worker.manager_client import PROTOCOL_HEADERS, Manager, is_stranger
from tests.support.make.ai_worker import resource_of
from tests.support.make.inference import stage_spec
from tests.support.make.results import column, results, seen, stage_run
from tests.support.managers import RunningManager
from tests.support.networks import colour_detector
from trapper_kit.http_client import HttpClient
from trapper_kit.problems import NotFound, Problem, Unauthenticated
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.batches import BatchLease, BatchRelease, ClaimRequest
from trapper_schemas.v1.models import ModelKind
from trapper_schemas.v1.workers import Enrolment, Heartbeat, HeldLease

EXPERT = "https://expert.example.org"


@dataclass
class Sides:
    """The Manager, and the worker's client with its id."""

    manager: RunningManager
    client: Manager
    worker_id: UUID
    weights: bytes
    sha256: str


@pytest.fixture
async def manager(ai_manager_database_url, tmp_path):
    settings = Settings(
        database_url=SecretStr(ai_manager_database_url),
        secret_key=SecretStr("for-tests-only-0123456789abcdef"),
        blobs_dir=tmp_path / "blobs",
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        work = app.state.work
        async with work.db() as db:
            token = issue_token(
                db,
                name="expert",
                scopes=[Scope.JOBS, Scope.PUBLISH],
                now=work.clock.now(),
                hash_token=work.hash_token,
            )
        headers = {"Authorization": f"Bearer {token}", **PROTOCOL_HEADERS}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://manager", headers=headers) as expert:
            yield RunningManager("http://manager", app, work, expert)


def client_of(manager, token):
    transport = httpx.ASGITransport(manager.faults)
    return Manager(HttpClient(manager.url, token=token, headers=PROTOCOL_HEADERS, transport=transport))


@pytest.fixture
async def sides(manager, tmp_path: Path):
    enrolling = client_of(manager, await manager.enrolment_token())
    reply = await enrolling.enrol(Enrolment(name="w", version="1", runtimes=("onnx-cpu",)))
    assert reply.runtimes == ["onnx-cpu"]
    assert reply.intervals.renew_seconds < reply.intervals.lease_seconds
    weights = colour_detector(tmp_path / "detector.onnx").read_bytes()
    client = client_of(manager, reply.credential)
    yield Sides(manager, client, reply.worker_id, weights, hashlib.sha256(weights).hexdigest())
    await client.close()
    await enrolling.close()


@pytest.fixture
async def lease(sides, tmp_path: Path) -> BatchLease:
    """One leased batch."""
    spec = stage_spec(tmp_path / "detector.onnx")
    await sides.manager.publish(spec, sides.weights)
    resources = [resource_of(f"{EXPERT}/api/media/{number}/inference", b"photo") for number in range(2)]
    await sides.manager.submit([spec], resources, origins=[EXPERT])
    await task.tasks["jobs.plan_due"].run(sides.manager.work)
    (one,) = (await sides.client.claim(ClaimRequest(runtime="onnx-cpu", limit=2, wait_seconds=1))).batches
    assert one.stages[0] == spec
    assert one.resources == resources
    assert (one.media_grant, one.media_origins) == ("the-grant", [EXPERT])
    assert one.expires_in_seconds == sides.manager.work.intervals.lease
    return one


def blob_of(sides, lease):
    return results(
        batch_id=lease.batch_id,
        attempt=lease.attempt,
        worker_id=sides.worker_id,
        stages=(stage_run(ModelKind.DETECTION, lease.stages[0].stage.model),),
        resource_ids=tuple(resource.id for resource in lease.resources),
        outcomes=tuple(seen(media_sha256=resource.sha256) for resource in lease.resources),
        classified_rows=(),
        top_label=column("<u2", [], 1),
        top_score=column("<u2", [], 1),
    ).to_blob()


async def save(sides, lease, blob, *, token=None):
    sha256 = hashlib.sha256(blob).hexdigest()
    return await sides.client.save_results(lease.batch_id, token=token or lease.token, sha256=sha256, blob=blob)


async def test_a_batch_is_claimed_renewed_and_saved_once(sides, lease):
    pulse = Heartbeat(leases=(HeldLease(batch_id=lease.batch_id, token=lease.token, done=1, total=2),))
    reply = await sides.client.heartbeat(sides.worker_id, pulse)
    ((renewed, seconds),) = [(one.batch_id, one.expires_in_seconds) for one in reply.leases]
    assert renewed == lease.batch_id
    assert 0 < seconds <= lease.expires_in_seconds
    assert (reply.lost, reply.cancelled, reply.paused, reply.drain) == ([], [], False, False)
    blob = blob_of(sides, lease)
    first, again = await save(sides, lease, blob), await save(sides, lease, blob)
    assert (first.duplicate, again.duplicate) == (False, True)


async def test_a_lease_that_is_not_ours_is_told_as_lost(sides, lease):
    pulse = Heartbeat(leases=(HeldLease(batch_id=lease.batch_id, token="another"),))
    assert (await sides.client.heartbeat(sides.worker_id, pulse)).lost == [lease.batch_id]
    with pytest.raises(LeaseLost):
        await save(sides, lease, blob_of(sides, lease), token="another")
    with pytest.raises(LeaseLost):
        await sides.client.release(lease.batch_id, BatchRelease(token="another", reason="draining"))


async def test_a_batch_that_is_given_back_is_lost_to_us_and_claimed_again_under_the_next_attempt(sides, lease):
    await sides.client.release(lease.batch_id, BatchRelease(token=lease.token, reason="draining"))
    with pytest.raises(LeaseLost):
        await save(sides, lease, blob_of(sides, lease))
    (again,) = (await sides.client.claim(ClaimRequest(runtime="onnx-cpu"))).batches
    assert (again.batch_id, again.attempt) == (lease.batch_id, lease.attempt + 1)
    assert again.token != lease.token


async def test_a_damaged_blob_is_refused_with_its_reason(sides, lease):
    with pytest.raises(BlobRefused) as refused:
        await save(sides, lease, blob_of(sides, lease)[:-5])
    assert refused.value.status == 422


async def test_a_cancelled_job_is_told_in_the_heartbeat_and_to_whoever_saves(sides, lease):
    (await sides.manager.client.post(f"/api/prediction_jobs/{lease.job_id}/cancel/")).raise_for_status()
    pulse = Heartbeat(leases=(HeldLease(batch_id=lease.batch_id, token=lease.token),))
    assert (await sides.client.heartbeat(sides.worker_id, pulse)).cancelled == [lease.batch_id]
    with pytest.raises(JobCancelled):
        await save(sides, lease, blob_of(sides, lease))


async def test_weights_come_whole_or_from_where_a_download_stopped(sides, lease):
    assert lease
    for offset in (0, 100):
        async with sides.client.weights(sides.sha256, offset=offset) as piece:
            body = b"".join([chunk async for chunk in piece.chunks])
        assert piece.offset == offset
        assert body == sides.weights[offset:]


async def test_weights_that_nobody_published_are_not_found(sides):
    with pytest.raises(Problem) as refused:
        async with sides.client.weights("0" * 64):
            pass
    assert refused.value.status == 404


async def test_without_work_a_claim_is_empty_and_brings_the_intervals(sides):
    reply = await sides.client.claim(ClaimRequest(runtime="onnx-cpu", wait_seconds=0.05))
    assert reply.batches == []
    assert reply.intervals == sides.manager.work.worker_intervals


async def test_a_worker_may_speak_for_itself_only(sides):
    with pytest.raises(NotFound):
        await sides.client.heartbeat(uuid7(), Heartbeat())
    with pytest.raises(Problem) as refused:
        await sides.client.claim(ClaimRequest(runtime="onnx-cuda"))
    assert is_stranger(refused.value)


async def test_a_credential_that_is_none_is_refused_everywhere(sides):
    stranger = client_of(sides.manager, "made-up")
    for call in (
        stranger.heartbeat(sides.worker_id, Heartbeat()),
        stranger.claim(ClaimRequest(runtime="onnx-cpu")),
        stranger.check(),
        stranger.release(uuid7(), BatchRelease(token="x", reason="draining")),
    ):
        with pytest.raises(Unauthenticated):
            await call
    await stranger.close()


async def test_another_protocol_is_refused(sides):
    transport = httpx.ASGITransport(sides.manager.faults)
    token = str(sides.client.http.token)
    later = Manager(HttpClient("http://manager", token=token, headers={"Trapper-Protocol": "9"}, transport=transport))
    with pytest.raises(Problem) as refused:
        await later.check()
    assert refused.value.type == "protocol-not-served"
    await later.close()
