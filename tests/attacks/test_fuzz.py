"""Requests that schemathesis generates from the contracts, as every caller; no reply is a 500 or undocumented."""

import asyncio
import os
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from ai_manager.access.state import Scope
from ai_worker.app import create_app as worker_app
from tests.support.access_table import CALLERS
from tests.support.access_world import World
from tests.support.make.ai_manager import Manager
from tests.support.make.ai_worker import open_worker

CONFORMS = [status_code_conformance, content_type_conformance]
INTERNAL_ERROR = 500
EXAMPLES = 5
"""Of one operation as one caller, in a row."""
SECONDS = 120.0
"""Of all three contracts together, in every run of the tests."""
SLOW_SECONDS = float(os.environ.get("TRAPPER_FUZZ_SECONDS", "600"))
EXPERT, MANAGER, WORKER = 0.6, 0.3, 0.1
"""Shares of the time."""
Client = httpx.AsyncClient
Case: TypeAlias = schemathesis.Case[Any]
Operation: TypeAlias = schemathesis.APIOperation[Any, Any, Any, Any]
Call = Callable[[Case], httpx.Response]


@schemathesis.serializer("application/x-msgpack+zstd")
def _as_text(_context: object, value: object) -> bytes:
    """No blob at all: its own tests have spoiled ones."""
    return repr(value).encode("utf-8", "replace")


def with_known_ids(case: Case, ids: Mapping[str, Any]) -> None:
    """Replace generated ids by those of rows that exist, so that requests get beyond the first look-up."""
    containers: tuple[Any, ...] = (case.path_parameters, case.query, case.body)
    for container in containers:
        if isinstance(container, dict):
            for name in container:
                known = ids.get(name, ids.get(f"{name}_id"))
                if known is not None and random.random() < 0.7:  # noqa: S311 - hypothesis seeds it
                    container[name] = [str(known)] if isinstance(container[name], list) else str(known)


async def send(client: Client, case: Case) -> httpx.Response:
    """The case as a request of this client."""
    given_by_case = case.as_transport_kwargs(base_url=str(client.base_url))
    body: dict[str, Any] = {"json": given_by_case["json"]} if given_by_case.get("json") is not None else {}
    data = given_by_case.get("data")
    if isinstance(data, str | bytes):
        body = {"content": data}
    headers = {name: value for name, value in given_by_case["headers"].items() if name.lower() != "authorization"}
    return await client.request(
        given_by_case["method"], given_by_case["url"], params=given_by_case.get("params"), headers=headers, **body
    )


def fuzz(operation: Operation, mode: GenerationMode, ids: Mapping[str, Any], seed: int, call: Call) -> list[str]:
    """What was wrong with the replies to a few generated requests; runs in a thread, for hypothesis is synchronous."""
    failures: list[str] = []

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(case=operation.as_strategy(generation_mode=mode), randomness=st.randoms(use_true_random=False))
    def run(case: Case, randomness: random.Random) -> None:
        random.seed(randomness.random())
        with_known_ids(case, ids)
        reply = call(case)
        problems: list[Any] = ["a 500"] if reply.status_code == INTERNAL_ERROR else []
        try:
            case.validate_response(reply, checks=CONFORMS)
        except FailureGroup as group:
            problems += group.exceptions
        if problems:
            request = reply.request
            failures.append(
                f"{request.method} {request.url} {request.headers.get('content-type', '')} {request.content[:600]!r}"
                f" -> {reply.status_code} {reply.text[:300]}: {problems}"
            )

    run._hypothesis_internal_use_seed = seed  # type: ignore[attr-defined]  # what hypothesis.seed() sets
    with suppress(Unsatisfiable):  # some operations have nothing that could be invalid
        run()
    return failures


async def fuzz_all(app: Any, clients: Mapping[str, Client], ids: Mapping[str, Any], seconds: float) -> None:
    """Every operation, with valid and invalid requests, as one caller after the other, until the time is over."""
    schema = schemathesis.openapi.from_dict(app.openapi())
    operations: list[Operation] = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    loop, ends, turn = asyncio.get_running_loop(), time.monotonic() + seconds, 0
    failures: dict[str, str] = {}
    names = list(clients)
    order = random.Random(turn)  # noqa: S311 - the same order in every run
    order.shuffle(operations)
    while turn < 2 or time.monotonic() < ends:
        for number, operation in enumerate(operations):
            if turn and time.monotonic() > ends:
                break
            mode = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)[(turn + number) % 2]
            client = clients[names[(turn + number // 2) % len(names)]]

            def call(case: Case, client: Client = client) -> httpx.Response:
                return asyncio.run_coroutine_threadsafe(send(client, case), loop).result(30)

            for failure in await asyncio.to_thread(fuzz, operation, mode, ids, turn, call):
                failures.setdefault(operation.label, failure)
        turn += 1
    assert not failures, "\n".join(f"{label}: {failure}" for label, failure in failures.items())


async def fuzz_expert(world: World, seconds: float) -> None:
    clients = {caller.name: world.clients[caller.name] for caller in CALLERS}
    await fuzz_all(world.backend.app, clients, world.ids, seconds)


async def fuzz_manager(manager: Manager, seconds: float) -> None:
    machine = await manager.worker()
    expert = await manager.token(Scope.JOBS)
    ids: dict[str, Any] = {"job_id": await manager.planned(expert), "worker_id": machine.id}
    (row,) = await manager.rows("select id from batches limit 1")
    ids |= {"batch_id": row["id"]}
    headers = {
        "nobody": {},
        "expert": expert,
        "publisher": await manager.token(Scope.PUBLISH, name="publisher"),
        "operator": await manager.token(Scope.OPERATE, name="operator"),
        "worker": machine.headers,
    }
    clients = {name: caller_of(manager.app, of) for name, of in headers.items()}
    await fuzz_all(manager.app, clients, ids, seconds)


async def fuzz_worker(folder: Path, seconds: float) -> None:
    async with open_worker(folder) as work:
        app = worker_app(work)
        token = {"Authorization": f"Bearer {work.local_token}"}
        await fuzz_all(app, {"nobody": caller_of(app, {}), "owner": caller_of(app, token)}, {}, seconds)


def caller_of(app: Any, headers: Mapping[str, str]) -> Client:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return Client(transport=transport, base_url="http://127.0.0.1:8000", headers=headers)


async def test_expert_answers_generated_requests_as_its_contract_says(everything: World) -> None:
    await fuzz_expert(everything, SECONDS * EXPERT)


async def test_manager_answers_generated_requests_as_its_contract_says(manager: Manager) -> None:
    await fuzz_manager(manager, SECONDS * MANAGER)


async def test_worker_answers_generated_requests_as_its_contract_says(tmp_path: Path) -> None:
    await fuzz_worker(tmp_path, SECONDS * WORKER)


@pytest.mark.slow
@pytest.mark.timeout(SLOW_SECONDS * 2 + 600)
async def test_contracts_hold_for_ten_minutes(everything: World, manager: Manager, tmp_path: Path) -> None:
    await fuzz_expert(everything, SLOW_SECONDS * EXPERT)
    await fuzz_manager(manager, SLOW_SECONDS * MANAGER)
    await fuzz_worker(tmp_path, SLOW_SECONDS * WORKER)
