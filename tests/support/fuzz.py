"""Requests that schemathesis generates from a contract, and what is wrong with the replies."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

CONFORMS = [status_code_conformance, content_type_conformance]
INTERNAL_ERROR = 500
EXAMPLES = 5
"""Of one operation as one caller, in a row."""
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
        try:
            reply = call(case)
        except httpx.InvalidURL:  # longer than the client sends
            return
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
    """Every operation, with valid and invalid requests, as each caller in turn, until the time is over."""
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
