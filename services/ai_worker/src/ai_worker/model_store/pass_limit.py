"""Ends forward passes that take too long, so that one picture fails and not its batch or process."""

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from ai_worker.inference.types import ModelTooSlow

TOO_SLOW = 88
"""Exit code of a process whose forward pass could not be ended."""
_LOOK_SECONDS = 0.5
_GRACE_SECONDS = 10.0
"""A runtime looks between two operators whether it shall stop; one operator may take a while."""


class PassLimit:
    """The longest time of one forward pass, per picture; 0 sets no limit."""

    def __init__(self, seconds: float, new_options: Callable[[], Any]) -> None:
        self._seconds = seconds
        self._new_options = new_options
        self._running: dict[int, tuple[float, Any]] = {}
        """By pass: when it must have ended, and the options that end it."""
        self._passes = 0
        self._lock = threading.Lock()
        self._watch: threading.Thread | None = None

    @contextmanager
    def limited(self, pictures: int) -> Generator[Any, None, None]:
        """Yields the options for one pass; raises ModelTooSlow when it was ended."""
        if not self._seconds:
            yield None
            return
        options, allowed = self._new_options(), self._seconds * pictures
        with self._lock:
            number = self._passes = self._passes + 1
            self._running[number] = time.monotonic() + allowed, options
            if self._watch is None:
                self._watch = threading.Thread(target=self._end_late_passes, daemon=True)
                self._watch.start()
        try:
            yield options
        except Exception as problem:  # ONNX Runtime raises a family of its own for each of its status codes
            if options.terminate:
                raise ModelTooSlow(f"the model took longer than {self._seconds:g} s for a picture") from problem
            raise
        finally:
            with self._lock:
                del self._running[number]

    def _end_late_passes(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            with self._lock:
                for due, options in self._running.values():
                    if now > due:
                        options.terminate = True
                    if now > due + self._seconds + _GRACE_SECONDS:
                        os.write(2, b"a forward pass took too long and could not be ended\n")
                        os._exit(TOO_SLOW)
