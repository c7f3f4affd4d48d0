"""What must be true when a storm is over and everything is quiet, counted in all three databases and over the API."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from tests.chaos.machines import Fleet
from tests.chaos.people import People
from tests.support.chaos_pictures import Fate, Picture

GIVEN_UP = frozenset({"killed-worker", "exhausted"})
"""A healthy picture may end so when those who looked at it were killed again and again; in no other way."""
_RUNS_KEPT = 200

OUTCOMES = """
    select jr.job_id, jr.resource_id, jr.outcome, jr.code, j.stage
    from job_resources jr join ai_classification_jobs j on j.id = jr.job_id"""
CURRENT = """
    select c.resource_id, count(o.id) filter (where o.observation_type = 'animal') as animals
    from classifications c left join observations o on o.classification_id = c.id
    where c.type = 'ai' and c.superseded_by_id is null group by c.id, c.resource_id"""
JOBS = "select id, manager_job_id, stage, total, done, blank, failed from ai_classification_jobs"
RESOURCES = """
    select r.id, r.state, concat_ws(
        ', ', r.state, r.failure_code, r.failure_message, r.describe_attempts || ' attempts',
        case when l.resource_id is null then 'not linked' when l.taken_at is null then 'not taken' else 'taken' end
    ) as story
    from resources r left join linked_collection_resources l on l.resource_id = r.id"""
RECEIVED = "select job_id, batch_id, sha256, state, times_applied, acknowledged_at from received_batches"


@dataclass
class InstructedWorkers:
    """What the databases say, read once."""

    outcomes: list[dict[str, Any]]
    current: list[dict[str, Any]]
    jobs: list[dict[str, Any]]
    resources: list[dict[str, Any]]
    received: list[dict[str, Any]]
    batches: list[dict[str, Any]]
    late: int
    losses: dict[str, int]
    runs: dict[str, list[tuple[UUID, int, str]]]

    def of_state(self, *states: str) -> list[dict[str, Any]]:
        return [batch for batch in self.batches if batch["state"] in states]


async def read(fleet: Fleet) -> InstructedWorkers:
    expert = await rows(fleet.expert_database, OUTCOMES, CURRENT, JOBS, RESOURCES, RECEIVED)
    runs = {name: runs_of(fleet, number) for number, name in enumerate(fleet.worker_names)}
    return InstructedWorkers(*expert, *await _queue(fleet), runs)


async def rows(url: str, *statements: str) -> list[list[dict[str, Any]]]:
    connection = await asyncpg.connect(url)
    try:
        return [[dict(row) for row in await connection.fetch(statement)] for statement in statements]
    finally:
        await connection.close()


async def _queue(fleet: Fleet) -> tuple[list[dict[str, Any]], int, dict[str, int]]:
    """Batches in the queue, those that were moved out of it when their job closed; late results; losses by kind."""
    connection = await asyncpg.connect(fleet.manager_database)
    try:
        batches = [dict(row) for row in await connection.fetch("select * from batches")]
        if await connection.fetchval("select to_regclass('finished_batches')") is not None:
            batches += [dict(row) for row in await connection.fetch("select * from finished_batches")]
        late = await connection.fetchval("select count(*) from late_results")
        losses = await connection.fetch("select loss, sum(count)::int from worker_losses group by loss")
        return batches, late, dict(losses)
    finally:
        await connection.close()


def runs_of(fleet: Fleet, worker: int) -> list[tuple[UUID, int, str]]:
    """The worker's own rows: batch, attempt, state."""
    connection = sqlite3.connect(f"file:{fleet.state_dir(worker)}/worker.sqlite3?mode=ro", uri=True)
    try:
        found = connection.execute("select batch_id, attempt, state from runs").fetchall()
    except sqlite3.OperationalError:  # not migrated yet
        return []
    finally:
        connection.close()
    return [(UUID(batch), attempt, state) for batch, attempt, state in found]


def unfinished(told: InstructedWorkers, pictures: Sequence[Picture]) -> list[str]:
    """What is still under way; nothing of it may be for ever."""
    open_jobs = [job["stage"] for job in told.jobs if job["stage"] not in {"finished", "failed", "cancelled"}]
    covered = {row["resource_id"] for row in told.outcomes}
    uncovered = {UUID(picture.resource_id) for picture in _pictures_of(pictures)} - covered
    counted = {
        "jobs open": len(open_jobs),
        "files that nobody has looked into": sum(row["state"] == "stored" for row in told.resources),
        "pictures without a job": len(uncovered),
        "results not acknowledged": sum(one["acknowledged_at"] is None for one in told.received),
        "batches waiting or leased": len(told.of_state("waiting", "leased")),
        "runs in workers' hands": sum(
            state in {"leased", "running", "kept"} for runs in told.runs.values() for *_, state in runs
        ),
    }
    stories = Counter(row["story"] for row in told.resources if row["id"] in uncovered)
    return [f"{count} {what}" for what, count in counted.items() if count] + sorted(stories)


def _pictures_of(files: Iterable[Picture]) -> list[Picture]:
    """Those that a job must have."""
    return [one for one in files if one.fate is not Fate.UNREADABLE]


async def broken(fleet: Fleet, people: People) -> list[str]:
    """Every rule that does not hold, as a sentence; the doctors are asked too."""
    found = await broken_rules(fleet, people.pictures)
    for name, checks in (await fleet.doctors()).items():
        found += [f"doctor of {name}: {check}" for check in checks]
    return found


async def broken_rules(fleet: Fleet, pictures: Sequence[Picture]) -> list[str]:
    """What the doctors cannot know: it was asked for, or it lies with somebody else."""
    told = await read(fleet)
    found = [f"still {one}" for one in unfinished(told, pictures)]
    found += [*_of_outcomes(told, pictures), *_of_files(told, pictures), *_of_batches(told), *_of_workers(told)]
    return found + [sentence async for sentence in _of_counts(fleet, told)]


def _of_outcomes(told: InstructedWorkers, pictures: Sequence[Picture]) -> Iterator[str]:
    """One outcome per resource and job, and the right one; one current row per picture seen, with its animals."""
    known = {UUID(one.resource_id): one for one in pictures}
    for job in told.jobs:
        if job["stage"] != "finished":
            yield f"job {job['id']} ended as {job['stage']}"
    for row in told.outcomes:
        one = known[row["resource_id"]]
        if one.fate is Fate.UNREADABLE or (row["outcome"], row["code"]) not in _right_ends(one):
            yield f"{row} of a picture with {one.animals} animals, which is {one.fate}"
    ended = {row["resource_id"] for row in told.outcomes if row["outcome"] in {"done", "blank"}}
    rows_each = Counter(row["resource_id"] for row in told.current)
    yield from (f"resource {one} has {rows_each[one]} current AI rows" for one in ended if rows_each[one] != 1)
    yield from (f"resource {one} was not seen and has an AI row" for one in rows_each.keys() - ended)
    for row in told.current:
        if row["animals"] != known[row["resource_id"]].animals:
            yield f"{row} instead of {known[row['resource_id']].animals} animals"


def _right_ends(one: Picture) -> set[tuple[str, str | None]]:
    """Outcome and code; whoever looked at it may also have been killed again and again."""
    given_up: set[tuple[str, str | None]] = {("failed", code) for code in GIVEN_UP}
    if one.fate is Fate.TOO_LARGE:
        return given_up | {("failed", "too-many-pixels")}
    if one.fate is Fate.SEEN:
        return given_up | {("done" if one.animals else "blank", None)}
    return given_up


def _of_files(told: InstructedWorkers, pictures: Sequence[Picture]) -> Iterator[str]:
    """The Expert has every file once, and knows which are none that can be looked at."""
    states = {row["id"]: row["state"] for row in told.resources}
    if len(told.resources) != len(pictures):
        yield f"{len(told.resources)} resources of {len(pictures)} files"
    for one in pictures:
        state = "unreadable" if one.fate is Fate.UNREADABLE else "described"
        if states.get(UUID(one.resource_id)) != state:
            yield f"resource {one.resource_id} is {states.get(UUID(one.resource_id))}, not {state}"


def _of_batches(told: InstructedWorkers) -> Iterator[str]:
    """Every result was applied once, and nothing else was."""
    for one in told.received:
        if (one["state"], one["times_applied"]) != ("applied", 1) or one["acknowledged_at"] is None:
            yield f"received batch {one}"
    ids = Counter(one["batch_id"] for one in told.received)
    yield from (f"batch {batch_id} was received {count} times" for batch_id, count in ids.items() if count > 1)
    closed = {one["id"]: one for one in told.of_state("done", "exhausted")}
    yield from (f"batch {one} is closed and was not received" for one in closed.keys() - ids.keys())
    yield from (f"batch {one} was received and is not closed" for one in ids.keys() - closed.keys())
    for one in told.received:
        if one["batch_id"] in closed and closed[one["batch_id"]]["result_sha256"] != one["sha256"]:
            yield f"batch {one['batch_id']} has another blob here than there"


def _of_workers(told: InstructedWorkers) -> Iterator[str]:
    """What a worker says that it delivered the Manager has, of that worker and attempt; and the reverse."""
    done = {(one["id"], one["attempt"]) for one in told.of_state("done")}
    delivered = [
        (batch, attempt) for runs in told.runs.values() for batch, attempt, state in runs if state == "delivered"
    ]
    yield from (f"run {one} is delivered, and the Manager does not have it" for one in set(delivered) - done)
    yield from (f"run {one} was delivered twice" for one, count in Counter(delivered).items() if count > 1)
    if all(len(runs) < _RUNS_KEPT for runs in told.runs.values()):  # older ones are dropped
        yield from (f"batch {one} is done, and no worker delivered it" for one in done - set(delivered))


async def _of_counts(fleet: Fleet, told: InstructedWorkers) -> Any:
    """Expert's rows, Expert's counts, Manager's counts and the results on the Manager's list agree, job by job."""
    headers = {"Authorization": f"Bearer {fleet.manager_token}", "Trapper-Protocol": "1"}
    host, port = fleet.managers[0]
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", headers=headers, timeout=30) as client:
        for job in told.jobs:
            ours = Counter(row["outcome"] for row in told.outcomes if row["job_id"] == job["id"])
            there = await client.get(f"/api/prediction_jobs/{job['manager_job_id']}/")
            counts = there.json()["counts"]
            for what in ("done", "blank", "failed"):
                if not ours[what] == job[what] == counts[what]:
                    yield f"job {job['id']}: {what}: {ours[what]} rows, {job[what]} in the job, {counts[what]} there"
            if not ours.total() == job["total"] == counts["total"]:
                yield f"job {job['id']}: {ours.total()} rows, total {job['total']}, {counts['total']} there"
            listed = await client.get(
                f"/api/prediction_jobs/{job['manager_job_id']}/results/", params={"include": "acknowledged"}
            )
            theirs = {(one["batch_id"], one["sha256"]) for one in listed.json()["items"]}
            here = {(str(one["batch_id"]), one["sha256"]) for one in told.received if one["job_id"] == job["id"]}
            if theirs != here:
                yield f"job {job['id']}: results {here} here and {theirs} there"


def given_up(told: InstructedWorkers, pictures: Iterable[Picture]) -> list[Picture]:
    """Healthy pictures that no job has seen."""
    ended = {row["resource_id"] for row in told.outcomes if row["outcome"] in {"done", "blank"}}
    return [one for one in pictures if one.fate is Fate.SEEN and UUID(one.resource_id) not in ended]
