"""Chooses ports on the loopback address."""

import random
import socket
from collections.abc import Collection

from trapper_cli.errors import StackError

LOOPBACK = "127.0.0.1"
# Below the range from which kernels take the ports of outgoing connections: a server that is restarted finds its
# port again, because no client could have taken it meanwhile.
LOWEST, HIGHEST = 18_000, 32_000


def hold(port: int) -> socket.socket | None:
    """A socket that keeps others from this port until it is closed; nothing when the port is taken."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((LOOPBACK, port))
        held.listen(1)  # a bound socket alone would not keep others away
    except OSError:
        held.close()
        return None
    return held


def hold_any(preferred: int | None = None, *, spare: Collection[int] = ()) -> socket.socket:
    """The wanted port when it is free, else any free one; never one of those to spare."""
    if preferred is not None and preferred not in spare and (held := hold(preferred)):
        return held
    dice = random.SystemRandom()
    for _ in range(500):
        port = dice.randrange(LOWEST, HIGHEST)
        if port not in spare and (held := hold(port)):
            return held
    raise StackError(f"No free port was found on {LOOPBACK} between {LOWEST} and {HIGHEST}.")


def choose(preferred: int | None = None) -> int:
    """The number of a port that is free now."""
    with hold_any(preferred) as held:
        return int(held.getsockname()[1])
