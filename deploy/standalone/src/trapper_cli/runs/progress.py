"""Shows how far a stage is: a bar with counts, rate and time left on a terminal, plain lines otherwise."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from trapper_client.output import tell

_LINE_EVERY_SECONDS = 5.0
PHOTOS = "photos"


class Counter:
    """One stage: how many units of how many are done."""

    def __init__(self, name: str, total: int, unit: str = PHOTOS) -> None:
        self.name = name
        self.total = total
        self.unit = unit
        self.done = 0
        self.waits_for = ""
        """What the rest waits for, as a clause; empty while nothing holds it up."""

    def at(self, done: int, total: int | None = None) -> None:
        """So many are done; a total that was wrong can be given anew."""
        self.done = done
        self.total = self.total if total is None else total

    def step(self) -> None:
        """One more is done."""
        self.at(self.done + 1)


class _Bar(Counter):
    def __init__(self, name: str, total: int, unit: str, bar: Progress) -> None:
        super().__init__(name, total, unit)
        self._bar = bar
        self._task = bar.add_task(name, total=total, unit=unit, waits_for="")

    def at(self, done: int, total: int | None = None) -> None:
        super().at(done, total)
        self._bar.update(self._task, completed=self.done, total=self.total, waits_for=self.waits_for)


class _Lines(Counter):
    def __init__(self, name: str, total: int, unit: str) -> None:
        super().__init__(name, total, unit)
        self._began = time.monotonic()
        self._written_at = self._began
        self._written = -1

    def at(self, done: int, total: int | None = None) -> None:
        super().at(done, total)
        if time.monotonic() - self._written_at >= _LINE_EVERY_SECONDS:
            self.write()

    def write(self) -> None:
        if self.done == self._written or not self.total:
            return
        self._written_at, self._written = time.monotonic(), self.done
        rate = self.done / max(self._written_at - self._began, 1e-6)
        left = f", {_clock((self.total - self.done) / rate)} left" if 0 < self.done < self.total else ""
        waits_for = f"; {self.waits_for}" if self.waits_for else ""
        tell(f"{self.name}: {self.done} of {self.total} ({rate:.1f} {self.unit}/s{left}){waits_for}")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.1f} {task.fields['unit']}/s", style="cyan")


@contextmanager
def counting(name: str, total: int, *, unit: str = PHOTOS, quiet: bool = False) -> Generator[Counter]:
    """Counts one stage from here to the end of the block; nothing is shown of a stage without work."""
    if quiet:
        yield Counter(name, total, unit)
    elif sys.stderr.isatty():
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[waits_for]}", markup=False),
        )
        with Progress(*columns, console=Console(stderr=True)) as bar:
            yield _Bar(name, total, unit, bar)
    else:
        lines = _Lines(name, total, unit)
        yield lines
        lines.write()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
