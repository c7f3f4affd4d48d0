"""A real HTTP server on the loopback address that hands out files, leads on, and counts what it was asked."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class WeightsServer:
    """What lies there, by path: bytes, or the address that a redirect names."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    leads_on: dict[str, str] = field(default_factory=dict[str, str])
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    refuses_head: bool = False
    says_length: bool = True


@contextmanager
def serving_weights() -> Generator[WeightsServer]:
    """The server, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            told.asked.append((self.command, self.path))
            body = told.files.get(self.path, b"")
            leads_to = told.leads_on.get(self.path)
            refused = self.command == "HEAD" and told.refuses_head
            self.send_response(405 if refused else 302 if leads_to else 200 if self.path in told.files else 404)
            if leads_to:
                self.send_header("Location", leads_to)
            if told.says_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_GET = do_HEAD = _answer  # noqa: N815 - the base class asks for these names

        def log_message(self, *_: object) -> None:  # type: ignore[override]  # quiet, the base class writes to stderr
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told = WeightsServer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
