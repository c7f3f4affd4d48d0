"""Stands where a service's commands stand: notes how it was called in ./calls.jsonl, answers, serves `/readyz`."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

CALLS = Path("calls.jsonl")


class WebProcess(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def main(service: str) -> None:
    """Called as the real commands are."""
    words = sys.argv[1:]
    given = sys.stdin.read() if any(word.endswith("-stdin") for word in words) else ""
    own = {name: value for name, value in os.environ.items() if name.startswith(("EXPERT_", "AI_", "TRAPPER_"))}
    with CALLS.open("a") as file:
        file.write(json.dumps({"service": service, "words": words, "stdin": given, "env": own}) + "\n")
    if Path(f"break-{service}-{words[0]}").exists():
        sys.exit(f"{service} {words[0]} is broken on purpose")
    if "--port" in words:
        HTTPServer(("127.0.0.1", int(words[words.index("--port") + 1])), WebProcess).serve_forever()
    elif words[0] == "tasks":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        port = own[f"{service.upper()}_TASKS_ADDRESS"].rpartition(":")[2]
        HTTPServer(("127.0.0.1", int(port)), WebProcess).serve_forever()
    elif words[0] == "doctor":
        sys.stdout.write(json.dumps({"ok": True, "checks": [{"name": "all", "ok": True, "found": 0, "detail": ""}]}))
    elif "--json" in words:
        sys.stdout.write(json.dumps({"token": f"token-of-{words[0]}-{words[2]}"}))
