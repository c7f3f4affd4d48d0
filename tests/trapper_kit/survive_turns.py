"""Turns and parts with whatever can go wrong inside them; needs the standard library alone."""

import asyncio
import sys
import types
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "libs/trapper_kit/src/trapper_kit"
if __name__ == "__main__":  # another interpreter, without this environment: the package without what it needs elsewhere
    package = types.ModuleType("trapper_kit")
    package.__path__ = [str(SOURCE)]
    sys.modules["trapper_kit"] = package

from trapper_kit.parts import run_parts  # noqa: E402
from trapper_kit.turns import TurnFailed, run_turn  # noqa: E402


class OutsideException(BaseException):
    """Not an Exception."""


async def failing_child() -> None:
    """What leaves `Task.cancelling()` at 1 on Python 3.11 and 3.12."""

    async def child() -> None:
        raise OverflowError("date value out of range")

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(child())


async def cancels_itself() -> None:
    """As a library does that cancels the task that called it."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def waits_for_a_cancelled_task() -> None:
    """CancelledError of somebody else."""
    task = asyncio.ensure_future(asyncio.sleep(60))
    task.cancel()
    await task


async def raises(error: BaseException) -> None:
    """One error of any type."""
    await asyncio.sleep(0)
    raise error


def troubles() -> dict[str, object]:
    """By name: how a turn may end."""
    return {
        "ExceptionGroup": failing_child,
        "cancelled by itself": cancels_itself,
        "cancelled child": waits_for_a_cancelled_task,
        "SystemExit": lambda: raises(SystemExit(0)),
        "GeneratorExit": lambda: raises(GeneratorExit()),
        "BaseException": lambda: raises(OutsideException()),
        "RuntimeError": lambda: raises(RuntimeError("broken")),
        "MemoryError": lambda: raises(MemoryError()),
        "TimeoutError": lambda: raises(TimeoutError()),
    }


async def survive() -> list[str]:
    """A loop that goes through every trouble and still can be cancelled; the names of those it survived."""
    survived: list[str] = []
    finished = asyncio.Event()

    async def loop() -> None:
        for name, trouble in troubles().items():
            try:
                await run_turn(trouble())  # type: ignore[operator]  # each makes a coroutine
            except Exception:  # noqa: BLE001 - the loop goes on
                survived.append(name)
        assert await run_turn(asyncio.sleep(0, "value")) == "value"
        finished.set()
        while True:
            await run_turn(swallow())

    async def swallow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await failing_child()  # the cancellation is gone: another error is raised in its place

    task = asyncio.create_task(loop())
    await asyncio.wait_for(finished.wait(), 10)
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task}, timeout=10)
    assert task.cancelled(), "a cancellation of the loop itself ends it"
    return survived


async def parts_end() -> None:
    """Each trouble in one of two parts ends both, and is reported."""
    for name, trouble in troubles().items():
        ended = asyncio.Event()

        async def other(ended: asyncio.Event = ended) -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()

        parts = {"other": other(), "broken": trouble()}  # type: ignore[operator]  # each makes a coroutine
        assert not await asyncio.wait_for(run_parts(parts, asyncio.Event()), 10), name
        assert ended.is_set(), name
    assert not await run_parts({"returns": asyncio.sleep(0)}, asyncio.Event())
    stopping = asyncio.Event()
    stopping.set()
    assert await run_parts({"runs": asyncio.sleep(60)}, stopping)


def main() -> None:
    """Everything; exits with an error when something is not as it should be."""
    assert asyncio.run(survive()) == list(troubles())
    assert TurnFailed.__mro__[1] is RuntimeError
    asyncio.run(parts_end())
    sys.stdout.write(f"survived on {sys.version.split()[0]}\n")


if __name__ == "__main__":
    main()
