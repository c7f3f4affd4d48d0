"""Hostile replies to the SDK: each call ends with a typed failure, in bounded time and memory."""

import gzip
import inspect
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trapper_client import api as api_module
from trapper_client.api import Api
from trapper_client.client import TrapperClient
from trapper_client.contract import (
    AnnouncedFile,
    ClassificationProjectChange,
    IdentificationItem,
    JobRerun,
    LinkedCollectionChange,
    NewClassificationProject,
    NewCollection,
    NewDeployment,
    NewJob,
    NewLinkedCollection,
    NewMatching,
    NewResearchProject,
    NewTaxa,
    NewTaxaList,
    NewToken,
    NewUploads,
    ObservationChange,
    ObservationInput,
    ObservationType,
    StageAfterIngest,
)
from trapper_client.errors import ApiProblem, Failure, Unreachable
from trapper_client.manager import ManagerClient
from trapper_client.receive import MAX_REPLY_BYTES

ID = "01a22dba-fbf4-7045-8882-835ec86230ec"
SHA256 = "a" * 64
DEEP = b"[" * 200_000
JSON = "application/json"

EXPERT: dict[str, Callable[[TrapperClient], Any]] = {
    "create_token": lambda peer: peer.create_token(NewToken(name="n")),
    "tokens": lambda peer: list(peer.tokens()),
    "revoke_token": lambda peer: peer.revoke_token(ID),
    "research_projects": lambda peer: list(peer.research_projects()),
    "create_research_project": lambda peer: peer.create_research_project(NewResearchProject(name="n", acronym="n")),
    "activate_research_project": lambda peer: peer.activate_research_project(ID),
    "classification_projects": lambda peer: list(peer.classification_projects()),
    "create_classification_project": lambda peer: peer.create_classification_project(
        NewClassificationProject(research_project_id=ID, name="n")
    ),
    "change_classification_project": lambda peer: peer.change_classification_project(
        ID, ClassificationProjectChange(name="n")
    ),
    "collections": lambda peer: list(peer.collections()),
    "create_collection": lambda peer: peer.create_collection(NewCollection(research_project_id=ID, name="n")),
    "collection_counts": lambda peer: peer.collection_counts(ID),
    "collection_paths": lambda peer: list(peer.collection_paths(ID)),
    "deployments": lambda peer: list(peer.deployments()),
    "create_deployment": lambda peer: peer.create_deployment(NewDeployment(research_project_id=ID, deployment_id="n")),
    "links": lambda peer: list(peer.links(ID)),
    "link_collection": lambda peer: peer.link_collection(ID, NewLinkedCollection(collection_id=ID)),
    "change_link": lambda peer: peer.change_link(ID, ID, LinkedCollectionChange(is_active=False)),
    "resources": lambda peer: list(peer.resources()),
    "resource": lambda peer: peer.resource(ID),
    "begin_uploads": lambda peer: peer.begin_uploads(
        NewUploads(
            research_project_id=ID,
            collection_id=ID,
            items=[AnnouncedFile(name="n", path="n", size_bytes=1, sha256=SHA256)],
        )
    ),
    "upload": lambda peer: peer.upload(ID, b"x", 1),
    "upload_pack": lambda peer: peer.upload_pack([(ID, b"x")]),
    "providers": lambda peer: list(peer.providers()),
    "provider": lambda peer: peer.provider(ID),
    "sync_providers": lambda peer: peer.sync_providers(),
    "taxa": lambda peer: list(peer.taxa()),
    "import_taxa": lambda peer: peer.import_taxa(Path(__file__), project_id=ID, checklist="gbif"),
    "sequences": lambda peer: list(peer.sequences()),
    "sequence": lambda peer: peer.sequence(ID),
    "sequence_counts": lambda peer: peer.sequence_counts(ID),
    "occurrences": lambda peer: list(peer.occurrences()),
    "occurrence": lambda peer: peer.occurrence(ID),
    "identify": lambda peer: peer.identify([IdentificationItem(occurrence_id=ID, taxon_id=ID)]),
    "unresolved_labels": lambda peer: list(peer.unresolved_labels()),
    "match_labels": lambda peer: peer.match_labels(NewMatching(classification_project_id=ID)),
    "taxa_lists": lambda peer: list(peer.taxa_lists()),
    "create_taxa_list": lambda peer: peer.create_taxa_list(NewTaxaList(name="region")),
    "add_taxa": lambda peer: peer.add_taxa(ID, NewTaxa(algorithm_id=ID)),
    "operations": lambda peer: list(peer.operations()),
    "operation": lambda peer: peer.operation(ID),
    "operation_log": lambda peer: list(peer.operation_log(ID)),
    "cancel_operation": lambda peer: peer.cancel_operation(ID),
    "jobs": lambda peer: list(peer.jobs()),
    "job": lambda peer: peer.job(ID),
    "request_ai": lambda peer: peer.request_ai(NewJob(classification_project_id=ID)),
    "job_resources": lambda peer: list(peer.job_resources(ID)),
    "cancel_job": lambda peer: peer.cancel_job(ID),
    "rerun_stage": lambda peer: peer.rerun_stage(ID, StageAfterIngest.SEQUENCES),
    "rerun_job": lambda peer: peer.rerun_job(ID, JobRerun(failed_only=True)),
    "machine_detections": lambda peer: list(peer.machine_detections(ID)),
    "observations": lambda peer: list(peer.observations()),
    "similar_observations": lambda peer: peer.similar_observations(ID),
    "classifications": lambda peer: list(peer.classifications()),
    "classification": lambda peer: peer.classification(ID),
    "fork": lambda peer: peer.fork(ID),
    "edit": lambda peer: peer.edit(ID, [ObservationChange(observation_type=ObservationType.ANIMAL)]),
    "approve": lambda peer: peer.approve(ID, 1),
    "unapprove": lambda peer: peer.unapprove(ID, 1),
    "give_feedback": lambda peer: peer.give_feedback(ID, [ObservationInput(observation_type=ObservationType.ANIMAL)]),
    "history": lambda peer: peer.history(ID, ID),
}
MANAGER: dict[str, Callable[[ManagerClient], Any]] = {
    "models": lambda peer: peer.models(),
    "publish_model": lambda peer: peer.publish_model({}),
    "pins": lambda peer: peer.pins("n", "1"),
    "pin": lambda peer: peer.pin("n", "1", SHA256),
    "retire_model": lambda peer: peer.retire_model("n", "1"),
    "upload_weights": lambda peer: peer.upload_weights(SHA256, lambda: iter([b"x"])),
    "workers": lambda peer: peer.workers(),
    "worker": lambda peer: peer.worker(ID),
    "instruct": lambda peer: peer.instruct("pause"),
    "revoke_worker": lambda peer: peer.revoke_worker(ID),
    "queues": lambda peer: peer.queues(),
}
CALLS = [*(f"expert {name}" for name in EXPERT), *(f"manager {name}" for name in MANAGER)]
READ_NO_DOCUMENT = {"expert revoke_token", "manager revoke_worker"}


Reply = Callable[[], httpx.Response]


def raw(status: int, body: bytes, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: httpx.Response(status, headers=named, stream=httpx.ByteStream(body))


class Peer(httpx.BaseTransport):
    """Answers every request with the present reply; one for all, since each client reads the certificates."""

    def __init__(self) -> None:
        self.reply: Reply = raw(200, b"")
        api = Api("http://peer", "token", transport=self)
        self.expert, self.manager = TrapperClient("http://peer", "token"), ManagerClient("http://peer", "token")
        self.expert.api = self.manager.api = api

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        del request
        return self.reply()


@cache
def peer() -> Peer:
    return Peer()


def call(name: str, reply: Reply) -> Any:
    peer().reply = reply
    service, _, method = name.partition(" ")
    return EXPERT[method](peer().expert) if service == "expert" else MANAGER[method](peer().manager)


def test_every_call_of_the_sdk_is_attacked() -> None:
    for kind, named in ((TrapperClient, EXPERT), (ManagerClient, MANAGER)):
        public = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
        assert public - {"save_weights"} == set(named)


NO_REPLY: dict[str, Reply] = {
    "html": raw(200, b"<html>Please log in</html>", content_type="text/html"),
    "a list": raw(200, b"[]", content_type=JSON),
    "deep": raw(200, DEEP, content_type=JSON),
    "another document": raw(200, b'{"items": [{}], "next_cursor": null}', content_type=JSON),
    "no text": raw(200, b"\xff\xfe", content_type=JSON),
    "no gzip": raw(200, b"no gzip", content_encoding="gzip"),
    "gzip twice": raw(200, b"x", content_encoding="gzip, gzip"),
    "not requested": raw(200, b"x", content_encoding="br"),
    "redirect": raw(302, b"", location="http://169.254.169.254/"),
    "bad redirect": raw(302, b"", location="http://["),
    "never": raw(503, b"", retry_after="nan"),
    "late": raw(503, b"", retry_after="1e300"),
    "early": raw(429, b"", retry_after="-5"),
    "no problem": raw(401, b"{", content_type="application/problem+json"),
    "deep problem": raw(409, DEEP, content_type="application/problem+json"),
    "bad problem": raw(409, b'{"type": 1, "title": null, "status": "x"}', content_type="application/problem+json"),
}
NO_DOCUMENT = {
    "nothing": raw(200, b""),
    "null": raw(200, b"null", content_type=JSON),
    "empty": raw(200, b"{}", content_type=JSON),
}


@pytest.mark.parametrize("name", CALLS)
def test_reply_that_is_none_is_a_typed_failure(name: str) -> None:
    replies = NO_REPLY if name in READ_NO_DOCUMENT else NO_REPLY | NO_DOCUMENT
    for description, reply in replies.items():
        if name in READ_NO_DOCUMENT and description in {"a list", "another document"}:
            continue
        with pytest.raises(Failure) as failure:
            call(name, reply)
        assert isinstance(failure.value, ApiProblem | Unreachable), description
        assert len(str(failure.value)) < 2_000, description


def test_reply_that_expands_without_end_is_refused_in_little_memory() -> None:
    bomb = gzip.compress(bytes(300 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(Unreachable, match="more than"):
            call("expert providers", raw(200, bomb, content_encoding="gzip"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * MAX_REPLY_BYTES


@pytest.mark.parametrize("cursors", ["same", "new"])
def test_list_without_end_is_refused(cursors: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "MAX_PAGES", 50)
    calls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(str(request.url))
        cursor = "again" if cursors == "same" else str(len(calls))
        return raw(200, json.dumps({"items": [{"id": 1}], "next_cursor": cursor}).encode())()

    with pytest.raises(Unreachable, match="no end"):
        list(Api("http://peer", "t", transport=httpx.MockTransport(answer)).pages("/x"))
    assert len(calls) <= 52


def test_reply_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trapper_client.receive.MAX_REPLY_SECONDS", 0.2)

    def drip() -> Iterator[bytes]:
        while True:
            time.sleep(0.02)
            yield b" "

    began = time.monotonic()
    with pytest.raises(Unreachable, match="did not end within"):
        call("expert job", lambda: httpx.Response(200, content=drip()))
    assert time.monotonic() - began < 5


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["items", "next_cursor", "type", "title", "status", "errors", "detail", "id", "version"])
            | st.text(max_size=8),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
_BODIES = st.binary(max_size=200) | _JSON.map(lambda document: json.dumps(document).encode())
_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content_type": st.sampled_from([JSON, "application/problem+json", "text/html", ""]),
        "retry_after": st.text(st.characters(codec="latin-1", exclude_characters="\r\n\x00"), max_size=12),
        "content_encoding": st.sampled_from(["gzip", "zstd", "br", "identity"]),
        "location": st.sampled_from(["http://169.254.169.254/", "file:///etc/passwd", "//x", "http://["]),
    },
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(CALLS),
    status=st.sampled_from([200, 201, 204, 302, 400, 401, 404, 409, 412, 422, 429, 500, 502, 503]),
    body=_BODIES,
    headers=_HEADERS,
)
def test_no_reply_raises_anything_but_a_failure(name: str, status: int, body: bytes, headers: dict[str, str]) -> None:
    with suppress(Failure):
        call(name, raw(status, body, **headers))
