"""Serving a web door in the foreground, and writing its contract down."""

import gc
import json
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

try:
    import resource
except ImportError:  # not on Windows, which has no such limit
    resource = None

GRACEFUL_SECONDS = 5
BACKLOG = 4096
YOUNG_OBJECTS = 20_000
"""So many new ones before the collector looks at them: by then nearly all of a request's are gone by themselves."""


def serve(app: FastAPI, *, host: str, port: int) -> None:
    """Until SIGTERM; requests under way get a moment, long polls are ended."""
    _allow_many_connections()
    gc.freeze()  # what was imported stays: no use in looking through it again for as long as the process lives
    gc.set_threshold(YOUNG_OBJECTS)
    uvicorn.run(
        app,
        host=host,
        port=port,
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )


def _allow_many_connections() -> None:
    """A thousand callers that wait are a thousand open files; as many as this account may have at all."""
    if resource is not None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def contract(app: FastAPI) -> str:
    """The OpenAPI document in the one form in which it is committed."""
    return json.dumps(app.openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
