"""Serves a web process in the foreground, and writes its contract down."""

import gc
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from trapper_kit.addresses import networks
from trapper_kit.parts import EXIT_FAILED
from trapper_kit.settings import ServiceSettings
from trapper_kit.web.connections import limited_protocol

try:
    import resource
except ImportError:  # not on Windows, which has no such limit
    resource = None

GRACEFUL_SECONDS = 5
BACKLOG = 4096
FILES_RESERVED = 200
"""Open files that are not connections of callers: database, queue, media, log."""
YOUNG_OBJECTS = 20_000
"""So many new objects before the garbage collector runs: by then nearly all of a request's are gone by themselves."""


def serve(app: FastAPI, settings: ServiceSettings, *, host: str, port: int) -> int:
    """Serve until SIGTERM; the exit code is 1 when a part of the process ended before.

    Requests under way get a moment, long polls are ended.
    """
    gc.freeze()  # what was imported stays for as long as the process lives
    gc.set_threshold(YOUNG_OBJECTS)
    options: dict[str, Any] = {**server_options(settings), "timeout_graceful_shutdown": GRACEFUL_SECONDS}
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, backlog=BACKLOG, **options))
    failed = False

    def stop_server() -> None:
        nonlocal failed
        failed = server.should_exit = True

    app.state.stop_server = stop_server
    server.run()
    return EXIT_FAILED if failed or not server.started else 0


def server_options(settings: ServiceSettings) -> Mapping[str, Any]:
    """Uvicorn's options that limit connections; the header X-Forwarded-For counts from configured proxies alone."""
    trusted = networks(settings.trusted_proxies)
    most = _raise_open_files()
    return {
        "http": limited_protocol(settings.connections, trusted=trusted, most=most),
        "ws": "none",
        "timeout_keep_alive": settings.connections.keep_alive_seconds,
        "proxy_headers": bool(trusted),
        "forwarded_allow_ips": settings.trusted_proxies,
        "server_header": False,
        "access_log": False,
        "log_config": None,
    }


def _raise_open_files() -> int | None:
    """Allow as many open files as this account may have; how many of them may be connections."""
    if resource is None:
        return None
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else max(1, soft - FILES_RESERVED)


def contract(app: FastAPI) -> str:
    """The OpenAPI document in the one form in which it is committed."""
    return json.dumps(app.openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
