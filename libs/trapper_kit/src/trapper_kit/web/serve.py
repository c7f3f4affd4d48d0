"""Serving a web door in the foreground, and writing its contract down."""

import json

import uvicorn
from fastapi import FastAPI

GRACEFUL_SECONDS = 5


def serve(app: FastAPI, *, host: str, port: int) -> None:
    """Until SIGTERM; requests under way get a moment, long polls are ended."""
    uvicorn.run(
        app, host=host, port=port, access_log=False, log_config=None, timeout_graceful_shutdown=GRACEFUL_SECONDS
    )


def contract(app: FastAPI) -> str:
    """The OpenAPI document in the one form in which it is committed."""
    return json.dumps(app.openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
