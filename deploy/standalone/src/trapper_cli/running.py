"""Provides a stack to work with: the one that runs, or one started as `trapper up` does."""

import os

from trapper_cli.down import down
from trapper_cli.layout import Layout
from trapper_cli.settings import default_state_dir, read_settings
from trapper_cli.status import look
from trapper_cli.supervision import lock
from trapper_cli.up import up
from trapper_client.output import tell


def ensure_stack() -> bool:
    """Starts the stack unless one runs, or TRAPPER_URL names another; whether it was started here."""
    if os.environ.get("TRAPPER_URL"):
        return False
    settings = read_settings(None, {})
    if look(settings.state_dir)["healthy"]:
        return False
    ran_already = lock.is_held(Layout(settings.state_dir).lock)
    up(settings, tell=lambda step: tell(f"… {step}"))
    return not ran_already


def stack_runs() -> bool:
    """Whether there is a healthy stack, or TRAPPER_URL names one; nothing is started."""
    return bool(os.environ.get("TRAPPER_URL")) or bool(look(read_settings(None, {}).state_dir)["healthy"])


def stop_stack() -> None:
    """Stops the stack of the state folder."""
    down(default_state_dir())
