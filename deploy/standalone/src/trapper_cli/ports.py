"""Chooses ports on the loopback address."""

import random
import socket
from collections.abc import Collection

from trapper_cli.errors import StackError

LOOPBACK = "127.0.0.1"
# Below the range from which kernels take the ports of outgoing connections: a server that is restarted finds its
# port again, because no client could have taken it meanwhile.
LOWEST, HIGHEST = 18_000, 32_000


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(wanted: int | None = None, *, taken: Collection[int] = ()) -> int:
    """The wanted port when it is free, else any free one."""
    if wanted is not None and wanted not in taken and is_free(wanted):
        return wanted
    dice = random.SystemRandom()
    for _ in range(500):
        port = dice.randrange(LOWEST, HIGHEST)
        if port not in taken and is_free(port):
            return port
    raise StackError(f"No free port was found on {LOOPBACK} between {LOWEST} and {HIGHEST}.")
