import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from trapper_client.api import Api
from trapper_client.errors import ApiProblem, Unreachable


@dataclass
class Service:
    """A real HTTP server that answers what it was told to, in order, and notes what it was asked."""

    url: str
    answers: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def service() -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.asked.append((self.command, self.path, dict(self.headers.items()), body))
            status, headers, document = told.answers.pop(0)
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815 - the base class asks for these names

        def log_message(self, *_: object) -> None:  # type: ignore[override]  # quiet, the base class writes to stderr
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told = Service(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def api(service: Service) -> Iterator[Api]:
    made = Api(service.url, "secret", patience=5)
    yield made
    made.close()


def test_lists_are_read_page_by_page(service: Service, api: Api) -> None:
    service.answers = [
        (200, {}, {"items": [{"id": 1}, {"id": 2}], "next_cursor": "more"}),
        (200, {}, {"items": [{"id": 3}], "next_cursor": None}),
    ]
    assert [each["id"] for each in api.pages("/api/x/", name=None, current=True)] == [1, 2, 3]
    assert [path for _, path, _, _ in service.asked] == [
        "/api/x/?limit=200&current=true",
        "/api/x/?limit=200&current=true&cursor=more",
    ]
    assert service.asked[0][2]["Authorization"] == "Bearer secret"


def test_a_refusal_is_an_exception_of_one_sentence(service: Service, api: Api) -> None:
    body = {
        "type": "invalid",
        "title": "Some fields are not valid",
        "status": 422,
        "detail": None,
        "errors": [{"loc": ["body", "name"], "code": "short", "message": "is too short"}],
    }
    service.answers = [(422, {"Content-Type": "application/problem+json"}, body)]
    with pytest.raises(ApiProblem) as caught:
        api.post("/api/x/", {})
    assert str(caught.value) == "Some fields are not valid: name: is too short."
    assert caught.value.type == "invalid"
    assert caught.value.status == 422


def test_a_passing_trouble_is_waited_for_under_the_same_key(service: Service, api: Api) -> None:
    service.answers = [(503, {"Retry-After": "0"}, b"busy"), (201, {}, {"id": 1})]
    assert api.post("/api/x/", {"a": 1}) == {"id": 1}
    first, second = service.asked
    assert first[2]["Idempotency-Key"] == second[2]["Idempotency-Key"]
    assert first[3] == second[3]


def test_a_body_is_sent_anew_when_a_call_is_repeated(service: Service, api: Api) -> None:
    service.answers = [(502, {}, b""), (200, {}, {"ok": True})]
    headers = {"Content-Length": "6"}
    assert api.put("/x", lambda: iter([b"abc", b"def"]), headers=headers) == {"ok": True}
    assert [body for *_, body in service.asked] == [b"abcdef", b"abcdef"]


def test_a_refused_token_is_renewed_once(service: Service) -> None:
    problem = {"type": "unauthenticated", "title": "Nobody is signed in", "status": 401}
    service.answers = [(401, {}, problem), (200, {}, {"ok": True}), (401, {}, problem), (401, {}, problem)]
    api = Api(service.url, "old", renew=lambda: "new")
    assert api.get("/x") == {"ok": True}
    assert service.asked[1][2]["Authorization"] == "Bearer new"
    with pytest.raises(ApiProblem, match="Nobody is signed in"):
        api.get("/x")
    api.close()


def test_what_is_not_ours_is_told_so(service: Service, api: Api) -> None:
    service.answers = [(404, {}, b"<html>nginx</html>")]
    with pytest.raises(Unreachable, match="404; the reply is not from a Trapper service"):
        api.get("/x")


def test_nobody_there_is_told_with_the_command_that_helps() -> None:
    api = Api("http://127.0.0.1:9", "t", patience=0.3)
    with pytest.raises(Unreachable, match=r"nothing answers at http://127\.0\.0\.1:9\. Start it: trapper up"):
        api.get("/x")
    api.close()


def test_an_address_elsewhere_that_does_not_answer_is_not_taken_for_the_stack_of_this_machine() -> None:
    api = Api("http://manager.invalid", "t")
    with pytest.raises(
        Unreachable,
        match=r"Nothing answers at http://manager\.invalid: its name cannot be looked up.*reached from here\?$",
    ):
        api.get("/x")
    api.close()
