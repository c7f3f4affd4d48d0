"""`trapper workers token`: what a worker on another machine needs to join the stack of this one."""

import json
import subprocess
import sys
from typing import Annotated, Any

import typer

from trapper_cli import secret_store, state
from trapper_cli.environments import addresses, environments
from trapper_cli.layout import Layout
from trapper_cli.settings import read_settings
from trapper_client.commands import workers
from trapper_client.errors import Failure, Unreachable
from trapper_client.output import Json, answer, say

_LONGEST_SECONDS = 60


def register(app: typer.Typer) -> None:
    """Adds `token` to the group `workers` of the client's own commands."""
    del app
    workers.group.command("token")(token)


def token(
    *,
    runtime: Annotated[
        list[str] | None, typer.Option(help="What it may run on, repeatable; onnx-cpu and onnx-cuda by default.")
    ] = None,
    uses: Annotated[int, typer.Option(min=1, help="How many machines may use it.")] = 1,
    minutes: Annotated[int, typer.Option(min=1, help="How long it is good.")] = 60,
    offline: Annotated[
        bool, typer.Option("--offline", help="The machine may take work for days, to do it without a link.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Makes an enrolment token; it is shown once.

    Example: trapper workers token --uses 2
    """
    settings = read_settings(None, {})
    layout = Layout(settings.state_dir)
    found = state.read(layout.state)
    if found is None or not found.supervisor.lives:
        raise Unreachable("The stack is not running.", hint="Start it: trapper up")
    secrets = secret_store.load(layout.secrets, data_exists=True)
    at = addresses(settings, secrets, found.ports)
    words = [word for each in runtime or ["onnx-cpu", "onnx-cuda"] for word in ("--runtime", each)]
    told = _issue(
        [*words, "--uses", str(uses), "--minutes", str(minutes), *(["--offline"] if offline else [])],
        environments(settings, layout, secrets, at)["ai_manager"],
    )
    if as_json:
        answer({**told, "manager_url": at.http("ai_manager")})
        return
    say(told["token"])
    say()
    say(f"On the other machine, with an address of this one's Manager ({at.http('ai_manager')}) that it can reach:")
    say("  trapper-worker enrol --manager ADDRESS --token-stdin   and then   trapper-worker run")


def _issue(words: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "ai_manager.commands", "issue_enrolment", *words, "--json"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_LONGEST_SECONDS,
        check=False,
    )
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"code {done.returncode}"]
        raise Failure(f"The Manager made no token: {told[0]}.")
    return json.loads(done.stdout.decode().strip().splitlines()[-1])
