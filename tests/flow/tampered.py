"""Starts a service's command with a queue that drops or doubles every Dramatiq message.

`python -m tests.flow.tampered drop expert.commands tasks`: the code of the service is untouched, only the library's
own `enqueue` is replaced, so every message, however it is sent, is dropped or doubled.
"""

import runpy
import sys
from typing import Any

from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker

_enqueue = RedisBroker.enqueue


def _drop(_broker: RedisBroker, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
    return message


def _double(broker: RedisBroker, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
    _enqueue(broker, message.copy(), delay=delay)
    return _enqueue(broker, message, delay=delay)


if __name__ == "__main__":
    mode, module, *arguments = sys.argv[1:]
    RedisBroker.enqueue = {"drop": _drop, "double": _double}[mode]  # type: ignore[method-assign]  # the tampering
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
