"""Keeps the programs of a table alive: starts them by stage, restarts what dies, stops them in the other direction."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from subprocess import Popen

from trapper_cli.errors import StackError
from trapper_cli.supervision import alive, children
from trapper_cli.supervision.guard_link import NAME as GUARD
from trapper_cli.supervision.guard_link import GuardLink
from trapper_cli.supervision.program import Program
from trapper_cli.supervision.state import ProcessState

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
#: Who lived this long did not die of its start.
LONG_LIFE = 10.0
TRIES_AT_START = 2
#: Servers answer at once and services write a line for every question.
ASK_EVERY = 0.15


@dataclass
class Child:
    """A program and the process that runs it now."""

    program: Program
    process: Popen[bytes] | None = None
    ready: bool = False
    born: float = 0.0
    quick_deaths: int = 0
    due: float = 0.0
    ask_at: float = 0.0
    log_begin: int = 0
    shown: ProcessState = field(default_factory=lambda: ProcessState(""))


class Supervisor:
    """Call it from the main thread only: children are told of its death by the thread that forked them."""

    def __init__(self, guard: GuardLink, on_change: Callable[[], None]) -> None:
        self._guard = guard
        self._on_change = on_change
        self._children: dict[str, Child] = {}
        self._guard_shown = ProcessState(GUARD)
        self._show_guard()

    @property
    def processes(self) -> list[ProcessState]:
        return [*(child.shown for child in self._children.values()), self._guard_shown]

    def start(self, programs: Iterable[Program]) -> None:
        """Launch programs; whether they come up is for `wait_ready`."""
        for program in programs:
            child = Child(program, shown=ProcessState(program.name))
            self._children[program.name] = child
            self._launch(child)
        self._on_change()

    def wait_ready(self, names: Iterable[str], *, deadline: float, stopped: Callable[[], bool]) -> None:
        """Until all of these are ready; raises for the one that does not come up, with its last words."""
        waited = [self._children[name] for name in names]
        while not all(child.ready for child in waited) and not stopped():
            self.tick()
            for child in waited:
                if not child.ready and child.quick_deaths >= TRIES_AT_START:
                    raise self._failure(child, f"{child.program.name} ended with code {child.shown.last_exit}")
            late = next((child for child in waited if not child.ready), None)
            if late is not None and time.monotonic() > deadline:
                raise self._failure(late, f"{late.program.name} was not ready in time")
            time.sleep(0.03)

    def tick(self) -> None:
        """One look at everything: collect the dead, start what is due, ask those who are coming up."""
        changed = self._guard.look()
        if changed:
            self._show_guard()
        for child in self._children.values():
            changed |= self._look(child)
        if changed:
            self._on_change()

    def stop_all(self) -> None:
        """The last stage first; within a stage all at once."""
        stages = sorted({child.program.stage for child in self._children.values()}, reverse=True)
        for stage in stages:
            members = [child for child in self._children.values() if child.program.stage == stage and child.process]
            for child in members:
                if child.process is not None and child.process.poll() is None:
                    child.process.send_signal(child.program.first_signal)
            for child in members:
                self._end(child)
            self._on_change()

    def _look(self, child: Child) -> bool:
        now = time.monotonic()
        if child.process is None:
            if now < child.due:
                return False
            self._launch(child)
            return True
        code = child.process.poll()
        if code is not None:
            self._bury(child, code, now)
            return True
        if child.ready or now < child.ask_at:
            return False
        child.ask_at = now + ASK_EVERY
        child.ready = child.program.is_ready()
        child.shown.state = "running" if child.ready else "starting"
        return child.ready

    def _launch(self, child: Child) -> None:
        log = child.program.log_file
        if not child.quick_deaths:  # else its last words are those of the start before
            child.log_begin = log.stat().st_size if log.exists() else 0
        child.ready, child.born = False, time.monotonic()
        child.ask_at = child.born + child.program.settle
        try:
            child.process = child.program.launch()
        except (OSError, StackError) as problem:
            with log.open("a") as file:
                file.write(f"could not be started: {problem}\n")
            child.process = None
            self._pause(child, time.monotonic())
            return
        self._guard.add(child.process.pid, child.program.first_signal, child.program.stage)
        child.shown.pid, child.shown.started = child.process.pid, alive.start_of(child.process.pid)
        child.shown.state = "starting"

    def _bury(self, child: Child, code: int, now: float) -> None:
        if child.process is not None:
            children.kill_group(child.process.pid)
            self._guard.remove(child.process.pid)
        child.process = None
        child.shown.last_exit = code
        child.shown.restarts += 1
        self._pause(child, now)

    def _pause(self, child: Child, now: float) -> None:
        child.quick_deaths = 1 if now - child.born > LONG_LIFE else child.quick_deaths + 1
        child.due = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (child.quick_deaths - 1))
        child.ready = False
        child.shown.pid = None
        child.shown.state = "waiting"

    def _end(self, child: Child) -> None:
        if child.process is None:
            return
        program, pid = child.program, child.process.pid
        child.shown.last_exit = children.finish(child.process, grace=program.grace, last=program.last_signal)
        self._guard.remove(pid)
        child.process, child.ready = None, False
        child.shown.pid = None
        child.shown.state = "stopped"

    def _failure(self, child: Child, sentence: str) -> StackError:
        words = children.tail(child.program.log_file, start_at=child.log_begin)
        return StackError(f"{sentence}.", hint=f"Its last lines, in {child.program.log_file}:\n{words}")

    def _show_guard(self) -> None:
        pid = self._guard.process.pid
        restarts = self._guard_shown.restarts + (self._guard_shown.pid is not None)
        self._guard_shown = ProcessState(GUARD, pid, alive.start_of(pid), "running", restarts)


def own_state() -> ProcessState:
    """The supervisor itself, for the state file."""
    return ProcessState("supervisor", os.getpid(), alive.start_of(os.getpid()), "running")
