"""Runs an operator's command of a service, for the stack that runs on this machine."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from trapper_cli import private_files, secret_store
from trapper_cli.environments import addresses, environments
from trapper_cli.layout import Layout
from trapper_cli.settings import read_settings
from trapper_cli.supervision import state
from trapper_client.errors import Failure, Unreachable

_LONGEST_SECONDS = 60


@dataclass(frozen=True)
class ServiceHere:
    """Where it answers, and the settings with which its commands reach its database."""

    service: str
    url: str
    environment: Mapping[str, str]

    def run(self, *words: str, stdin: str = "") -> str:
        """What the command answered, also with "nothing to do"; Failure with its last complaint when it did not."""
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", f"{self.service}.commands", *words],
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


def manager_here() -> ServiceHere:
    """The Manager of the state folder's stack; Unreachable when that does not run."""
    return service_here("ai_manager")


def service_here(service: str) -> ServiceHere:
    """A service of the state folder's stack; Unreachable when that does not run."""
    settings = read_settings(None, {})
    layout = Layout(settings.state_dir)
    stack_state = state.read(layout.state)
    if stack_state is None or not stack_state.supervisor.lives:
        raise Unreachable("The stack is not running.", hint="Start it: trapper up")
    secrets = secret_store.load(layout.secrets, data_exists=True)
    at = addresses(settings, secrets, stack_state.ports)
    return ServiceHere(service, at.http(service), environments(settings, layout, secrets, at)[service])


def sign_in_link() -> str | None:
    """An address that signs the admin of this machine's stack in once; None when the stack is another machine's."""
    if os.environ.get("TRAPPER_URL"):
        return None
    admin = private_files.read_json(Layout(read_settings(None, {}).state_dir).admin)
    return service_here("expert").run("sign_in_link", "--email", str(admin.get("email"))).strip()
