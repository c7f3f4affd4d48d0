"""Calls the status page of the worker on this machine, with the local token of its folder."""

import json
from typing import Any

from ai_worker.settings import WorkerSettings
from trapper_kit.addresses import networks
from trapper_kit.http_client import HttpClient
from trapper_kit.http_replies import Unreachable

_HERE = ["127.0.0.0/8", "::1/128"]


async def ask_page(
    settings: WorkerSettings, port: int, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The reply; raises the Problem of the page, or Unreachable when no worker runs there."""
    token = settings.local_token_file.read_text("utf-8").strip() if settings.local_token_file.exists() else None
    page = HttpClient(f"http://127.0.0.1:{port}", token=token, allowed=networks(_HERE), timeout_seconds=10.0)
    try:
        answer: dict[str, Any] = json.loads((await page.request(method, path, json=body, idempotent=False)).content)
    except Unreachable as silence:
        raise Unreachable(
            f"no worker runs on port {port} of this machine; start it with `trapper-worker run`, or name its --port"
        ) from silence
    finally:
        await page.close()
    return answer
