"""The steps of a photo from upload to approval, as the rows show them, and the process that holds each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.flow.photo_run import PhotoRun

Look = Callable[[PhotoRun], Awaitable[bool]]


@dataclass(frozen=True)
class Step:
    """`reached` holds as soon as the step can be under way (or is over); `holder` is the process that does it."""

    name: str
    reached: Look
    holder: str


def expert_says(statement: str) -> Look:
    async def look(photo_run: PhotoRun) -> bool:
        return bool((await photo_run.expert(statement))[0][0])

    return look


def manager_says(statement: str) -> Look:
    async def look(photo_run: PhotoRun) -> bool:
        return bool((await photo_run.manager(statement))[0][0])

    return look


RESOURCE = "select count(*) > 0 from resources where sha256 = $1"
DESCRIBED = f"{RESOURCE} and state <> 'stored'"
JOB = "select count(*) > 0 from job_resources jr join resources r on r.id = jr.resource_id where r.sha256 = $1"
AI_ROW = (
    "select count(*) > 0 from classifications c join resources r on r.id = c.resource_id"
    " where r.sha256 = $1 and c.type = 'ai'"
)
RECEIVED = (
    "select count(*) > 0 from received_batches b join job_resources jr on jr.job_id = b.job_id"
    " join resources r on r.id = jr.resource_id where r.sha256 = $1"
)
THERE = "select count(*) > 0 from jobs where id = any($1)"
BATCHES = "(select job_id, attempt from batches union all select job_id, attempt from finished_batches) as every"
WAITING = f"select count(*) > 0 from {BATCHES} where job_id = any($1)"  # noqa: S608 - constants
LEASED = f"select count(*) > 0 from {BATCHES} where job_id = any($1) and attempt > 0"  # noqa: S608 - the same
DONE = "select count(*) > 0 from saved_results where job_id = any($1)"


async def begun(_: PhotoRun) -> bool:
    """From the first moment on."""
    return True


STEPS = (
    Step("receive", begun, "expert"),
    Step("describe", expert_says(RESOURCE), "expert-tasks"),
    Step("cover", expert_says(DESCRIBED), "expert-tasks"),
    Step("submit", expert_says(JOB), "expert-tasks"),
    Step("accept", expert_says(JOB), "ai_manager"),
    Step("plan", manager_says(THERE), "ai_manager-tasks"),
    Step("claim", manager_says(WAITING), "ai_worker"),
    Step("lease", manager_says(WAITING), "ai_manager"),
    Step("media", manager_says(LEASED), "expert"),
    Step("look", manager_says(LEASED), "inference-child"),
    Step("keep and deliver", manager_says(LEASED), "ai_worker"),
    Step("save", manager_says(LEASED), "ai_manager"),
    Step("settle", manager_says(DONE), "ai_manager-tasks"),
    Step("fetch", manager_says(DONE), "expert-tasks"),
    Step("apply", expert_says(RECEIVED), "expert-tasks"),
    Step("acknowledge", expert_says(AI_ROW), "expert-tasks"),
)
PROCESSES = ("expert", "expert-tasks", "ai_manager", "ai_manager-tasks", "ai_worker", "inference-child")
