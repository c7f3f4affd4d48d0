"""How a job ends, as a pure decision; the states themselves are the wire's."""

from dataclasses import dataclass

from trapper_schemas.v1.jobs import JobState


@dataclass(frozen=True)
class Ended:
    """Resources by how they ended."""

    total: int
    done: int = 0
    blank: int = 0
    failed: int = 0

    @property
    def ended(self) -> int:
        """All of them that came to an end by themselves."""
        return self.done + self.blank + self.failed


def closing_state(ended: Ended) -> JobState:
    """Finished when nothing failed, failed when everything did, else partial."""
    if ended.failed == 0:
        return JobState.FINISHED
    return JobState.FAILED if ended.failed >= ended.total else JobState.PARTIAL


def next_batch_size(*, images_per_second: float | None, target_seconds: float, default: int, limit: int) -> int:
    """One to two minutes of work at the measured speed, or the setting while nothing was measured."""
    if images_per_second is None:
        return min(default, limit)
    return max(1, min(limit, round(images_per_second * target_seconds)))
