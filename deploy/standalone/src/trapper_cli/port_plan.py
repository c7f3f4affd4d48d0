"""Gives every listener its port: the one that was asked for, else that of the last start, else a free one."""

from pathlib import Path

from trapper_cli import ports, private_files
from trapper_cli.errors import StackError
from trapper_cli.settings import LISTENERS, StackSettings, flag_word


def plan(settings: StackSettings, kept_in: Path) -> dict[str, int]:
    """A port for each listener that this stack starts; remembered for the next start."""
    kept = private_files.read_json(kept_in)
    chosen: dict[str, int] = {}
    for name, default in LISTENERS.items():
        if (name == "postgres" and not settings.embeds_postgres) or (name == "valkey" and not settings.embeds_valkey):
            continue
        if (asked := settings.ports.get(name)) is not None:
            if asked in chosen.values() or not ports.is_free(asked):
                word = flag_word(name)
                raise StackError(
                    f"Port {asked} on {ports.LOOPBACK}, asked for as the port of {name}, is taken by another program.",
                    hint=f"Choose another with --{word}-port or TRAPPER_{word.upper()}_PORT, or leave it out.",
                )
            chosen[name] = asked
            continue
        last = kept.get(name)
        taken = {*chosen.values(), *settings.ports.values()}
        chosen[name] = ports.choose(last if isinstance(last, int) else default, taken=taken)
    private_files.write_json(kept_in, chosen)
    return chosen
