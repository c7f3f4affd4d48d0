"""The commands that this package adds to `trapper`: up, down, status, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from trapper_cli import doctor as doctoring
from trapper_cli import down as stopping
from trapper_cli import status as looking
from trapper_cli import up as starting
from trapper_cli.blocked import find_blocked
from trapper_cli.settings import default_state_dir, read_settings
from trapper_client.output import Json, answer, say, table, tell

StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        envvar="TRAPPER_STATE_DIR",
        help="The folder for everything that the stack writes; ./var by default.",
    ),
]


def _port(word: str, listener: str) -> typer.models.OptionInfo:
    return typer.Option(
        f"--{word}-port",
        envvar=f"TRAPPER_{word.upper()}_PORT",
        min=1,
        max=65535,
        help=f"The port of {listener} on 127.0.0.1; by default a free port, which later starts use again.",
    )


def register(app: typer.Typer) -> None:
    """Called by `trapper` through the entry point."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)
    app.command("doctor")(doctor)


def up(
    *,
    state_dir: StateDir = None,
    timeout: Annotated[
        float, typer.Option(envvar="TRAPPER_UP_TIMEOUT", min=1, help="Seconds until everything must be healthy.")
    ] = starting.DEFAULT_TIMEOUT,
    only_servers: Annotated[
        bool,
        typer.Option(
            "--only-servers",
            envvar="TRAPPER_ONLY_SERVERS",
            help="Start PostgreSQL and Valkey only, without the services.",
        ),
    ] = False,
    expert_port: Annotated[int | None, _port("expert", "the Expert")] = None,
    manager_port: Annotated[int | None, _port("manager", "the Manager")] = None,
    worker_port: Annotated[int | None, _port("worker", "the Worker's status page")] = None,
    postgres_port: Annotated[int | None, _port("postgres", "PostgreSQL")] = None,
    valkey_port: Annotated[int | None, _port("valkey", "Valkey")] = None,
    as_json: Json = False,
) -> None:
    """Starts the stack, and returns when everything is healthy.

    Example: trapper up --expert-port 8000
    """
    ports = {
        "expert": expert_port,
        "ai_manager": manager_port,
        "ai_worker": worker_port,
        "postgres": postgres_port,
        "valkey": valkey_port,
    }
    settings = read_settings(state_dir, ports)
    starting.up(settings, timeout=timeout, only_servers=only_servers, tell=lambda step: tell(f"… {step}"))
    _show(settings.state_dir, as_json=as_json)


def down(state_dir: StateDir = None, *, as_json: Json = False) -> None:
    """Stops the stack. It is no error when nothing runs.

    Example: trapper down
    """
    stopped = stopping.down((state_dir or default_state_dir()).absolute())
    if as_json:
        answer({"ok": True, "stopped": stopped})
    else:
        say("Stopped." if stopped else "Nothing was running.")


def status(
    state_dir: StateDir = None,
    *,
    as_json: Json = False,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Show passwords in addresses.")] = False,
) -> None:
    """Lists the processes of the stack with their addresses; exit code 0 when everything is healthy, 1 otherwise.

    Example: trapper status --json
    """
    if not _show((state_dir or default_state_dir()).absolute(), as_json=as_json, show_secrets=show_secrets):
        raise typer.Exit(1)


def doctor(state_dir: StateDir = None, *, as_json: Json = False) -> None:
    """Checks every invariant of the running stack and says what to do; exit code 0 when all of them hold.

    What waits for a person (`wait`) is listed too; it is no fault of the stack.

    Example: trapper doctor
    """
    settings = read_settings(state_dir, {})
    report = doctoring.examine(settings)
    report["blocked"] = find_blocked(settings.state_dir) if looking.look(settings.state_dir)["healthy"] else []
    if as_json:
        answer(report)
    else:
        table(
            ("", "Check", "What to do"),
            [
                *(("ok" if check["ok"] else "NO", check["name"], check["detail"]) for check in report["checks"]),
                *(("wait", each["what"], f"{each['message']} {each['what_to_do']}") for each in report["blocked"]),
            ],
        )
    if not report["ok"]:
        raise typer.Exit(1)


def _show(state_dir: Path, *, as_json: bool, show_secrets: bool = False) -> bool:
    seen = looking.look(state_dir)
    seen["blocked"] = find_blocked(state_dir) if seen["healthy"] else []
    if not show_secrets:
        seen["urls"] = looking.without_passwords(seen["urls"])
    if as_json:
        answer(seen)
        return bool(seen["healthy"])
    if not seen["processes"]:
        say("The stack is not running. Start it with `trapper up`.")
        return False
    table(
        ("Process", "PID", "State", "Restarts", "Address"),
        [
            (each["name"], each["pid"], each["state"], each["restarts"], _address(seen["urls"].get(each["name"], "")))
            for each in seen["processes"]
        ],
    )
    for each in seen["blocked"]:
        say(f"Waiting for you: {each['what']}. {each['message']} {each['what_to_do']}")
    say(f"Healthy: {'yes' if seen['healthy'] else 'no'}. Admin's e-mail and password: {seen['admin_credentials_file']}")
    return bool(seen["healthy"])


def _address(url: str) -> str:
    return url if url.startswith("http") else ""
