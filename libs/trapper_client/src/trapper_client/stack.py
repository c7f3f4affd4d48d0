"""Finds the services to talk to: the addresses of the environment, or the standalone stack's state folder."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trapper_client.api import Api
from trapper_client.client import TrapperClient
from trapper_client.errors import ApiProblem, Failure, Unreachable, WrongUsage
from trapper_client.manager import ManagerClient

_TOKEN_FILE = "cli-token.json"  # noqa: S105 - the name of a file
_NOT_RUNNING = "Start it: trapper up"


@dataclass(frozen=True)
class Stack:
    """The standalone stack of one state folder, as its supervisor last described it."""

    state_dir: Path
    urls: Mapping[str, str]

    @property
    def expert_url(self) -> str:
        return self._url("expert")

    @property
    def manager_url(self) -> str:
        return self._url("ai_manager")

    def _url(self, service: str) -> str:
        try:
            return self.urls[service]
        except KeyError:
            raise Unreachable("The stack is not running.", hint=_NOT_RUNNING) from None


def state_dir() -> Path:
    """The folder for everything that the stack writes."""
    return Path(os.environ.get("TRAPPER_STATE_DIR") or "var").absolute()


def find_stack(folder: Path | None = None) -> Stack:
    """The stack of the state folder, running or not."""
    place = folder or state_dir()
    urls = _read(place / "state.json").get("urls")
    return Stack(place, urls if isinstance(urls, dict) else {})


def connect(*, patience: float = 0.0, folder: Path | None = None) -> TrapperClient:
    """A client of the Expert, signed in: by TRAPPER_URL and TRAPPER_TOKEN, or as the standalone stack's admin.

    With `folder`, it is the stack of that state folder, whatever the environment names.
    """
    url, token = (os.environ.get("TRAPPER_URL"), os.environ.get("TRAPPER_TOKEN")) if folder is None else (None, None)
    if url and not token:
        raise WrongUsage("TRAPPER_URL is set, TRAPPER_TOKEN is not.", hint="Set both, or neither.")
    if url:
        return TrapperClient(url, token, patience=patience)
    stack = find_stack(folder)
    base = stack.expert_url
    known = _read(stack.state_dir / _TOKEN_FILE).get("token")
    return TrapperClient(
        base, known or _sign_in(stack, patience), patience=patience, renew=lambda: _sign_in(stack, patience)
    )


def connect_manager(*, patience: float = 0.0) -> ManagerClient:
    """A client of the Manager: by TRAPPER_MANAGER_URL and TRAPPER_MANAGER_TOKEN, or as the stack's operator."""
    url, token = os.environ.get("TRAPPER_MANAGER_URL"), os.environ.get("TRAPPER_MANAGER_TOKEN")
    if url and not token:
        raise WrongUsage("TRAPPER_MANAGER_URL is set, TRAPPER_MANAGER_TOKEN is not.", hint="Set both, or neither.")
    if url:
        return ManagerClient(url, token, patience=patience)
    stack = find_stack()
    base = stack.manager_url
    kept = _read(stack.state_dir / "operator.json")
    if not isinstance(kept.get("token"), str):
        raise Failure(f"{stack.state_dir / 'operator.json'} with the operator's token is missing.", hint=_NOT_RUNNING)
    return ManagerClient(base, kept["token"], patience=patience)


def _sign_in(stack: Stack, patience: float) -> str:
    """A token of the admin, kept for the next command in a file that only its owner reads."""
    admin = _read(stack.state_dir / "admin.json")
    if not admin.get("email") or not admin.get("password"):
        raise Failure(
            f"{stack.state_dir / 'admin.json'} with the admin's password is missing.",
            hint="Set TRAPPER_URL and TRAPPER_TOKEN instead.",
        )
    api = Api(stack.expert_url, patience=patience)
    try:
        session = api.post("/api/sessions/", {"email": admin["email"], "password": admin["password"]})
        csrf = {"X-CSRF-Token": session["csrf_token"]}
        token: str = api.post("/api/tokens/", {"name": "trapper command"}, headers=csrf)["token"]
        with suppress(ApiProblem):
            api.call("DELETE", "/api/sessions/current/", headers=csrf)
    finally:
        api.close()
    _write_private(stack.state_dir / _TOKEN_FILE, {"token": token})
    return token


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as problem:
        raise Failure(f"{path} cannot be read: {problem.strerror}.") from problem
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _write_private(path: Path, document: Mapping[str, str]) -> None:
    """Best effort: a folder that cannot be written only costs signing in again."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file)
        fresh.replace(path)
