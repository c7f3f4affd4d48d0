"""Gives every listener its port: the one that was asked for, else that of the last start, else a free one."""

import socket
from pathlib import Path

from trapper_cli import ports, private_files
from trapper_cli.errors import StackError
from trapper_cli.settings import LISTENERS, StackSettings, flag_word


class PortPlan:
    """The ports of one stack, held until their listeners start: another stack cannot choose them meanwhile."""

    def __init__(self) -> None:
        self._held: dict[str, socket.socket] = {}
        self.ports: dict[str, int] = {}

    def make(self, settings: StackSettings, kept_in: Path) -> None:
        """Choose and hold a port for each listener that this stack starts; remembered for the next start."""
        kept = private_files.read_json(kept_in)
        for name, default in LISTENERS.items():
            if name == "postgres" and not settings.embeds_postgres:
                continue
            if name == "valkey" and not settings.embeds_valkey:
                continue
            requested, last = settings.ports.get(name), kept.get(name)
            if requested is not None:
                self._held[name] = _hold_requested(name, requested)
            else:
                preferred = last if isinstance(last, int) else default
                self._held[name] = ports.hold_any(preferred, spare=settings.ports.values())
            self.ports[name] = self._held[name].getsockname()[1]
        private_files.write_json(kept_in, self.ports)

    def release(self, *names: str) -> None:
        """Just before their listeners start; without names, all."""
        for name in names or tuple(self._held):
            if (held := self._held.pop(name, None)) is not None:
                held.close()


def _hold_requested(name: str, port: int) -> socket.socket:
    held = ports.hold(port)
    if held is None:
        word = flag_word(name)
        raise StackError(
            f"Port {port} on {ports.LOOPBACK}, asked for as the port of {name}, is taken by another program.",
            hint=f"Choose another with --{word}-port or TRAPPER_{word.upper()}_PORT, or leave it out.",
        )
    return held
