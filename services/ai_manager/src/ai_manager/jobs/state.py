"""How a job ends, as pure decisions; the states are those of the wire."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from ai_manager.workers.state import Ability
from trapper_schemas.blocked import Blocked
from trapper_schemas.v1.jobs import JobState
from trapper_schemas.v1.workers import WorkerState


@dataclass(frozen=True)
class ResourceCounts:
    """Resources by how they ended."""

    total: int
    done: int = 0
    blank: int = 0
    failed: int = 0

    @property
    def ended(self) -> int:
        """All resources that ended by themselves."""
        return self.done + self.blank + self.failed


def closing_state(counts: ResourceCounts) -> JobState:
    """Returns finished when nothing failed, failed when everything did, else partial."""
    if counts.failed == 0:
        return JobState.FINISHED
    return JobState.FAILED if counts.failed >= counts.total else JobState.PARTIAL


@dataclass(frozen=True)
class BatchSizes:
    """Sizes of a job's batches: small at first for early results, small at the end so that workers end together."""

    smallest: int
    largest: int

    @classmethod
    def of_speed(
        cls, images_per_second: float | None, *, target_seconds: float, smallest: int, limit: int
    ) -> "BatchSizes":
        """Batches of at most `target_seconds` of work at the measured speed; without one, of the smallest size."""
        if images_per_second is None:
            return cls(min(smallest, limit), min(smallest, limit))
        largest = max(1, min(limit, round(images_per_second * target_seconds)))
        return cls(min(smallest, largest), largest)

    def next_sizes(self, *, planned: int, total: int, sealed: bool, alive: int, count: int) -> list[int]:
        """Resources in each of the next `count` batches, after `planned` of `total`; `alive` workers share them."""
        sizes: list[int] = []
        while planned < total and len(sizes) < count:
            size = min(self.largest, planned)
            if sealed:
                size = min(size, ceil((total - planned) / (2 * max(1, alive))))
            sizes.append(min(max(self.smallest, size), total - planned))
            planned += sizes[-1]
        return sizes


@dataclass(frozen=True)
class Need:
    """What a worker must have to run some batches."""

    runtimes: Sequence[str]
    project: str | None
    """None: whatever project."""
    weights_bytes: int
    unpinned: bool


def blocked_by(need: Need, fleet: Sequence[Ability]) -> Blocked | None:
    """Returns the first condition that no worker meets together with those before it, or None."""
    names = " or ".join(need.runtimes)
    size = f"{need.weights_bytes / 2**20:.0f} MiB"
    conditions: list[tuple[Callable[[Ability], bool], Blocked]] = [
        (
            lambda worker: not set(need.runtimes).isdisjoint(worker.runtimes),
            Blocked(
                code="no-worker-for-runtime",
                message=f"No enrolled worker runs {names}.",
                what_to_do="Enrol a worker that does: trapper workers token",
            ),
        ),
        (
            lambda worker: need.project is None or worker.project in {"", need.project},
            Blocked(
                code="no-worker-for-project",
                message=f"The workers that run {names} are enrolled for other projects.",
                what_to_do="Enrol a worker for this project, or for all: trapper workers token",
            ),
        ),
        (
            lambda worker: not need.unpinned or worker.allow_unpinned is not False,
            Blocked(
                code="weights-not-pinned",
                message="Nobody has confirmed the weights of its models, and no worker runs unconfirmed ones.",
                what_to_do="Confirm their sha256: trapper models pin",
            ),
        ),
        (
            lambda worker: worker.memory_bytes is None or worker.memory_bytes >= need.weights_bytes,
            Blocked(
                code="too-little-memory",
                message=f"Its models weigh {size}, more than any worker that may run them has room for.",
                what_to_do="Enrol a worker with more memory, or raise AI_WORKER_MODEL_MEMORY_BYTES of one.",
            ),
        ),
        (
            lambda worker: worker.state not in {WorkerState.PAUSED, WorkerState.DRAINING},
            Blocked(
                code="workers-paused",
                message="Every worker that may run it is paused or draining.",
                what_to_do="Resume one: trapper workers resume NAME",
            ),
        ),
        (
            lambda worker: worker.state is WorkerState.ALIVE,
            Blocked(
                code="workers-silent",
                message="No worker that may run it has sent a heartbeat lately.",
                what_to_do="Start one, or look into its log: trapper workers list",
            ),
        ),
    ]
    left = list(fleet)
    for holds, blocked in conditions:
        left = [worker for worker in left if holds(worker)]
        if not left:
            return blocked
    return None
