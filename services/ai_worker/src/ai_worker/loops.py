"""Steps of a process that has no queue: noted in a book, run by one event loop, hurried by an event."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from trapper_kit.logs import bound, log
from trapper_kit.metrics import TASKS
from trapper_kit.turns import run_turn

Step = Callable[[Any], Coroutine[Any, Any, bool]]
S = TypeVar("S", bound=Step)


@dataclass(frozen=True)
class Loop:
    """A step that is repeated; it answers True when there may be more to do at once."""

    name: str
    step: Step
    wait: str


@dataclass
class LoopBook:
    """Notes steps and returns them unchanged, so that a test awaits one directly."""

    loops: dict[str, Loop] = field(default_factory=dict)

    def __call__(self, name: str, *, wait: str) -> Callable[[S], S]:
        """Returns the decorator; `wait` is the path of the setting with the pause when nothing is due."""

        def note(function: S) -> S:
            if name in self.loops:
                raise ValueError(f"loop {name} is declared twice")
            self.loops[name] = Loop(name, function, wait)
            return function

        return note


@dataclass
class LoopWakeups:
    """Ends the present wait of a loop by its name; waking twice is waking once."""

    events: dict[str, asyncio.Event] = field(default_factory=dict)

    def event(self, name: str) -> asyncio.Event:
        """Returns the event of one loop."""
        return self.events.setdefault(name, asyncio.Event())

    def wake(self, name: str) -> None:
        """Wakes the loop."""
        self.event(name).set()


async def run_loop(
    loop: Loop, work: Any, *, wakeups: LoopWakeups, seconds: Callable[[str], float], service: str
) -> None:
    """Repeats one step until cancelled; an error is logged and costs one pause."""
    event = wakeups.event(loop.name)
    while True:
        event.clear()
        try:
            with bound(loop=loop.name):
                more = await run_turn(loop.step(work))
            TASKS.labels(service, loop.name, "done").inc()
        except Exception as problem:  # noqa: BLE001 - a loop goes on whatever one step met
            TASKS.labels(service, loop.name, "failed").inc()
            log("loop.failed", loop=loop.name, error=problem)
            more = False
        if more:
            continue
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds(loop.wait)):  # wait_for may miss a cancellation at a wake-up
                await event.wait()
