"""Runs blocking work on daemon threads, names what does not answer, and gives it up after a time limit.

A read from a drive that stopped answering cannot be interrupted. On a daemon thread it neither keeps the command from
going on with what was read, nor from ending at Ctrl-C.
"""

import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

WARN_AFTER_SECONDS = 10.0
_CHECK_SECONDS = 0.5


class Activity:
    """What a thread is reading from the drive, and since when; call `at` whenever it moves.

    Without a label it waits for something else, such as the network, which has time limits of its own.
    """

    def __init__(self) -> None:
        self.label = ""
        self.since = time.monotonic()
        self.is_warned = False
        self.is_abandoned = False

    def at(self, label: str | None = None) -> None:
        """The work has moved; `label` names what is read next."""
        if label is not None:
            self.label = label
        self.since = time.monotonic()
        self.is_warned = False


@dataclass(frozen=True)
class Unanswered:
    """The result of work that was given up; `label` is what it was waiting for, empty when it was never started."""

    label: str
    seconds: float

    @property
    def reason(self) -> str:
        """Why there is no result, as a sentence about a file."""
        waited = f" for {self.seconds:.0f} s" if self.seconds else ""
        return f"The file was not read: the drive did not answer{waited}."


@dataclass(frozen=True)
class _Raised:
    problem: BaseException


class Background(Generic[T, R]):
    """A pool of daemon threads. `warn` is called with a sentence when a thread has not moved for a while.

    Without `give_up_seconds` nothing is given up. When every thread was given up and none finished anything meanwhile,
    the rest is not tried any more, also not in later calls of `run`.
    """

    def __init__(
        self,
        work: Callable[[T, Activity], R],
        *,
        threads: int,
        warn: Callable[[str], None],
        give_up_seconds: float | None = None,
        warn_seconds: float = WARN_AFTER_SECONDS,
    ) -> None:
        self._work = work
        self._threads = threads
        self._warn = warn
        self._give_up_seconds = give_up_seconds
        self._warn_seconds = min(warn_seconds, give_up_seconds or warn_seconds)
        self._waiting: deque[tuple[int, T]] = deque()
        self._results: queue.SimpleQueue[tuple[Activity, int, R | _Raised]] = queue.SimpleQueue()
        self._running: dict[Activity, tuple[int, T]] = {}
        self._lock = threading.Lock()
        self._given_up = 0

    def run(self, items: Sequence[T]) -> Iterator[tuple[T, R | Unanswered]]:
        """Each item with its result as it comes; the first exception of the work is raised here."""
        self._waiting.extend(enumerate(items))
        if self._given_up < self._threads:
            for _ in range(min(self._threads, len(items))):
                self._start()
        left, checked = len(items), -math.inf
        try:
            while left:
                finished = self._next()
                if finished is not None:
                    index, result = finished
                    left, self._given_up = left - 1, 0
                    if isinstance(result, _Raised):
                        raise result.problem
                    yield items[index], result
                if time.monotonic() - checked < _CHECK_SECONDS:
                    continue
                checked = time.monotonic()
                unanswered = self._overdue()
                self._given_up += len(unanswered)
                if self._given_up >= self._threads:
                    unanswered += [(item, Unanswered("", 0.0)) for item in self._take_rest()]
                left -= len(unanswered)
                yield from unanswered
        finally:
            self._take_rest()

    def _next(self) -> tuple[int, R | _Raised] | None:
        """What a thread has finished meanwhile, if one has."""
        try:
            activity, index, result = self._results.get(timeout=_CHECK_SECONDS)
        except queue.Empty:
            return None
        return None if activity.is_abandoned else (index, result)

    def _start(self) -> None:
        threading.Thread(target=self._lane, daemon=True).start()

    def _lane(self) -> None:
        activity = Activity()
        while not activity.is_abandoned:
            with self._lock:
                if not self._waiting:
                    return
                index, item = self._waiting.popleft()
                self._running[activity] = (index, item)
            activity.at("")
            try:
                result: R | _Raised = self._work(item, activity)
            except BaseException as problem:  # noqa: BLE001 - raised again by the thread that waits
                result = _Raised(problem)
            with self._lock:
                self._running.pop(activity, None)
            self._results.put((activity, index, result))

    def _overdue(self) -> list[tuple[T, Unanswered]]:
        """Warns of what has not moved for a while, and gives up what has not moved for too long."""
        now = time.monotonic()
        abandoned: list[tuple[T, Unanswered]] = []
        with self._lock:
            for activity, (_, item) in list(self._running.items()):
                seconds = now - activity.since
                if not activity.label:
                    continue
                if self._give_up_seconds is not None and seconds >= self._give_up_seconds:
                    activity.is_abandoned = True
                    del self._running[activity]
                    abandoned.append((item, Unanswered(activity.label, seconds)))
                elif seconds >= self._warn_seconds and not activity.is_warned:
                    activity.is_warned = True
                    self._warn(f"Still waiting for {activity.label} ({seconds:.0f} s). Ctrl-C ends the command.")
        for _ in abandoned:
            self._start()
        return abandoned

    def _take_rest(self) -> list[T]:
        with self._lock:
            rest = [item for _, item in self._waiting]
            self._waiting.clear()
        return rest
