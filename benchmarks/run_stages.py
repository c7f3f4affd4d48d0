"""What each stage of `trapper run` costs when nothing else runs: the stages one after the other over the same photos.

A stage is held apart from the next by stopping the process that would begin it. Cores divided by the core-seconds of
all stages is the schedule bound: no order of the same work on this machine could be faster.
"""

import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.report import CORES
from tests.main_job.trapper import DEMO, Trapper
from trapper_cli.runs.plan import DeploymentRule, deployment_key
from trapper_cli.runs.read_results import Results
from trapper_cli.runs.send import FileToSend, Sender
from trapper_cli.runs.work import RunOptions, choose, present_visit, read_folder
from trapper_cli.runs.workspace import ensure_deployments, find_project, open_workspace
from trapper_client.contract import NewJob
from trapper_client.derived import is_closed
from trapper_client.stack import connect

POLL_SECONDS = 0.5
DETECTOR, SPECIES = DEMO[1], DEMO[3]
COMMAND = "trapper run"
_OPEN_JOBS = "select count(*) from jobs where closed_at is null"

Costs = dict[str, dict[str, float]]
"""Core-milliseconds per photo, by stage and process."""


def core_seconds(trapper: Trapper) -> dict[str, float]:
    """What each process of the stack, its children included, has used of the processor so far."""
    used: dict[str, float] = {}
    for name, pid in processes(trapper).items():
        process = psutil.Process(pid)
        if name == "supervisor":  # the parent of all others
            used[name] = sum(process.cpu_times()[:2])
        else:
            used[name] = sum(map(_seconds, (process, *process.children(recursive=True))))
    return used


def _seconds(process: psutil.Process) -> float:
    """The core-seconds of a process and of its children that ended; none of one that has ended meanwhile."""
    try:
        return sum(process.cpu_times()[:4])
    except psutil.NoSuchProcess:
        return 0.0


def processes(trapper: Trapper) -> dict[str, int]:
    """The process ids of the stack by name."""
    return {each["name"]: each["pid"] for each in trapper.look()["processes"]}


def schedule_bound(costs: Costs) -> float:
    """Photos per second with every core busy all the time."""
    return 1000 * CORES / sum(sum(by_process.values()) for by_process in costs.values())


def measure_stages(trapper: Trapper, folder: Path, count: int) -> Costs:
    """The costs of a folder of `count` photos that the stack has never seen."""
    options = RunOptions(folder, DETECTOR, SPECIES, 120, DeploymentRule(), 120.0, quiet=True, may_offer=False)
    costs: Costs = {}

    @contextmanager
    def stage(name: str) -> Generator[None]:
        before = core_seconds(trapper) | {COMMAND: time.process_time()}
        yield
        after = core_seconds(trapper) | {COMMAND: time.process_time()}
        used = {process: 1000 * (after[process] - before.get(process, 0.0)) / count for process in after}
        costs[name] = {process: round(value, 3) for process, value in used.items() if value > 0}

    with stage("read"):
        content = read_folder(options)
    with connect(patience=60, folder=trapper.state_dir) as expert:
        project = find_project(expert)
        choice = choose(expert, project, options)
        visit = present_visit(expert, project, options, content)
        workspace = open_workspace(expert, project, options.path, visit, sequence_interval=options.sequence_interval)
        deployments = ensure_deployments(
            expert, workspace, options.path, visit, planned=content.planned, rule=options.rule
        )
        files = [
            FileToSend(
                photo,
                content.contents.photos[photo.relative].sha256,
                deployments[deployment_key(photo.folder, options.rule)],
            )
            for photo in content.photos
        ]
        with _stopped(trapper, "expert-tasks"), stage("upload"):
            Sender(expert, workspace, on_file=_nothing, on_chunk=_nothing, warn=print).send(files)
        with stage("describe"):
            _wait(lambda: not expert.collection_counts(workspace.collection_id).stored)
        with _stopped(trapper, "ai_worker"), stage("submit"):
            job = expert.request_ai(
                NewJob(
                    classification_project_id=project.id,
                    linked_collection_id=workspace.linked_collection_id,
                    overrides=choice.overrides(),
                    interactive=True,
                )
            ).job
            assert job is not None
            _wait(lambda: trapper.manager_rows(f"{_OPEN_JOBS} and state = 'planned'") != [["0"]])
        with _stopped(trapper, "expert-tasks"), stage("look"):
            _wait(lambda: trapper.manager_rows(_OPEN_JOBS) == [["0"]])
        with stage("record"):
            _wait(lambda: is_closed(expert.job(job.id)))
        with stage("collect"):
            Results(expert, workspace, choice)
    return costs


@contextmanager
def _stopped(trapper: Trapper, name: str) -> Generator[None]:
    """Stops a process and its children for the length of the block."""
    process = psutil.Process(processes(trapper)[name])
    tree = [process, *process.children(recursive=True)]
    for each in tree:
        each.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for each in tree:
            each.send_signal(signal.SIGCONT)


def _wait(is_done: Callable[[], bool]) -> None:
    while not is_done():
        time.sleep(POLL_SECONDS)


def _nothing() -> None: ...
