"""The process table: which programs make up the stack, in which order they start and stop."""

import sys
from collections.abc import Mapping
from pathlib import Path

from trapper_cli.environments import WORKER_GRACE, Addresses
from trapper_cli.layout import Layout
from trapper_cli.ports import LOOPBACK
from trapper_cli.servers.server import EmbeddedServer
from trapper_cli.supervision.program import Program, program

POSTGRES, VALKEY, WEB, TASKS, WORKER = range(5)


def server_program(server: EmbeddedServer, *, stage: int) -> Program:
    """The program of an embedded server."""
    return Program(
        name=server.name,
        stage=stage,
        log_file=server.log_file,
        launch=server.launch,
        is_ready=server.is_ready,
        first_signal=server.first_signal,
        last_signal=server.last_signal,
        grace=server.grace,
    )


def service_programs(
    layout: Layout, at: Addresses, environments: Mapping[str, Mapping[str, str]], cwd: Path
) -> list[Program]:
    """Web and background processes of the Expert and the Manager."""
    made: list[Program] = []
    for service in ("expert", "ai_manager"):
        made += [
            program(
                service,
                _command(service, "serve", "--host", LOOPBACK, "--port", str(at.ports[service])),
                stage=WEB,
                env=environments[service],
                log_file=layout.log(service),
                cwd=cwd,
                ready_url=f"{at.http(service)}/readyz",
            ),
            program(
                f"{service}-tasks",
                _command(service, "tasks"),
                stage=TASKS,
                env=environments[service],
                log_file=layout.log(f"{service}-tasks"),
                cwd=cwd,
                ready_url=f"{at.http(f'{service}-tasks')}/readyz",
            ),
        ]
    return made


def worker_program(layout: Layout, at: Addresses, env: Mapping[str, str], cwd: Path) -> Program:
    return program(
        "ai_worker",
        _command("ai_worker", "run", "--host", LOOPBACK, "--port", str(at.ports["ai_worker"])),
        stage=WORKER,
        env=env,
        log_file=layout.log("ai_worker"),
        cwd=cwd,
        ready_url=f"{at.http('ai_worker')}/readyz",
        grace=_seconds(env.get("AI_WORKER_INTERVALS__GRACE", "")) + 5,
    )


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # the worker itself says what is wrong with it
        return WORKER_GRACE


def _command(service: str, *words: str) -> list[str]:
    return [sys.executable, "-m", f"{service}.commands", *words]
