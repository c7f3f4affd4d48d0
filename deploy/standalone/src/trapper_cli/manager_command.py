"""Runs a command of the Manager's operator, for the Manager of the stack that runs on this machine."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from trapper_cli import secret_store
from trapper_cli.environments import addresses, environments
from trapper_cli.layout import Layout
from trapper_cli.settings import read_settings
from trapper_cli.supervision import state
from trapper_client.errors import Failure, Unreachable

_LONGEST_SECONDS = 60


@dataclass(frozen=True)
class ManagerHere:
    """Where it answers, and the settings with which its commands reach its database."""

    url: str
    environment: Mapping[str, str]

    def run(self, *words: str, stdin: str = "") -> str:
        """What the command answered, also with "nothing to do"; Failure with its last complaint when it did not."""
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "ai_manager.commands", *words],
            env=self.environment,
            input=stdin.encode(),
            capture_output=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
        if done.returncode and not done.stdout:
            complaint = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"code {done.returncode}"]
            raise Failure(complaint[0])
        return done.stdout.decode()


def manager_here() -> ManagerHere:
    """The Manager of the state folder's stack; Unreachable when that does not run."""
    settings = read_settings(None, {})
    layout = Layout(settings.state_dir)
    stack_state = state.read(layout.state)
    if stack_state is None or not stack_state.supervisor.lives:
        raise Unreachable("The stack is not running.", hint="Start it: trapper up")
    secrets = secret_store.load(layout.secrets, data_exists=True)
    at = addresses(settings, secrets, stack_state.ports)
    return ManagerHere(at.http("ai_manager"), environments(settings, layout, secrets, at)["ai_manager"])
