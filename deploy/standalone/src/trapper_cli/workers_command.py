"""`trapper workers token`: what a worker on another machine needs to join the stack of this one."""

import json
from typing import Annotated, Any

import typer

from trapper_cli.manager_command import manager_here
from trapper_client.commands import workers
from trapper_client.errors import Failure
from trapper_client.output import Json, answer, say


def register(app: typer.Typer) -> None:
    """Adds `token` to the group `workers` of the client's own commands."""
    del app
    workers.group.command("token")(token)


def token(
    *,
    runtime: Annotated[
        list[str] | None, typer.Option(help="A runtime that it may use, repeatable; onnx-cpu and onnx-cuda by default.")
    ] = None,
    uses: Annotated[int, typer.Option(min=1, help="How many machines may use it.")] = 1,
    minutes: Annotated[int, typer.Option(min=1, help="Minutes until the token expires.")] = 60,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="The machine may lease batches for days, to compute them without a connection."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Makes an enrolment token; it is shown once.

    Example: trapper workers token --uses 2
    """
    manager = manager_here()
    words = [word for each in runtime or ["onnx-cpu", "onnx-cuda"] for word in ("--runtime", each)]
    words += ["--uses", str(uses), "--minutes", str(minutes), *(["--offline"] if offline else [])]
    try:
        enrolment: dict[str, Any] = json.loads(
            manager.run("issue_enrolment", *words, "--json").strip().splitlines()[-1]
        )
    except Failure as problem:
        raise Failure(f"The Manager made no token: {problem}.") from problem
    if as_json:
        answer({**enrolment, "manager_url": manager.url})
        return
    say(enrolment["token"])
    say()
    say(f"On the other machine, with an address of this one's Manager ({manager.url}) that it can reach:")
    say("  trapper-worker enrol --manager ADDRESS --token-stdin   and then   trapper-worker run")
