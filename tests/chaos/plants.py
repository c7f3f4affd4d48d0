"""Errors that are planted when all is quiet, each of which whoever looks for the truth must see."""

# ruff: noqa: S608 - statements made of constants

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

import asyncpg

from tests.chaos.machines import Fleet


@dataclass(frozen=True)
class Plant:
    """What is done to which database, how it is undone, and words of the sentence that must be told of it."""

    name: str
    where: str
    seen_as: str
    breaks: str
    mends: str


_A_BATCH = "(select id from finished_batches where state = 'done' order by id limit 1)"
_CURRENT = "type = 'ai' and superseded_by_id is null"
_A_RUN = """
    insert into runs (id, batch_id, job_id, attempt, state, total, starts, lease, because)
    select lower(hex(randomblob(16))), lower(hex(randomblob(16))), job_id, 1, '{state}', 1, 0,
        '{{"token": "planted"}}', 'planted' from runs limit 1"""


PLANTS = (
    Plant(
        "an outcome is lost",
        "expert",
        " rows, ",
        """
        create table planted as select * from job_resources where outcome = 'blank' limit 1;
        delete from job_resources one using planted
            where (one.job_id, one.resource_id) = (planted.job_id, planted.resource_id)""",
        "insert into job_resources select * from planted; drop table planted",
    ),
    Plant(
        "an outcome is there twice",
        "expert",
        " rows, ",
        """
        create table planted as select * from job_resources where outcome = 'blank' and not auto limit 1;
        alter table job_resources drop constraint job_resources_pkey;
        insert into job_resources select * from planted""",
        """
        delete from job_resources one using job_resources other
            where (one.job_id, one.resource_id) = (other.job_id, other.resource_id) and one.ctid > other.ctid;
        alter table job_resources add primary key (job_id, resource_id);
        drop table planted""",
    ),
    Plant(
        "a picture with animals is called blank",
        "expert",
        "of a picture with",
        """
        create table planted as select job_id, resource_id from job_resources where outcome = 'done' limit 1;
        update job_resources one set outcome = 'blank' from planted
            where (one.job_id, one.resource_id) = (planted.job_id, planted.resource_id)""",
        """
        update job_resources one set outcome = 'done' from planted
            where (one.job_id, one.resource_id) = (planted.job_id, planted.resource_id);
        drop table planted""",
    ),
    Plant(
        "an animal is not on record",
        "expert",
        "instead of",
        f"""
        create table planted as select o.* from observations o join classifications c on c.id = o.classification_id
            where o.observation_type = 'animal' and c.{_CURRENT} limit 1;
        update observations set observation_type = 'human' where id in (select id from planted)""",
        """
        update observations set observation_type = 'animal' where id in (select id from planted);
        drop table planted""",
    ),
    Plant(
        "a picture has no current row",
        "expert",
        "has 0 current AI rows",
        f"""
        create table planted as select id from classifications where {_CURRENT} limit 1;
        update classifications set superseded_by_id = id where id in (select id from planted)""",
        """
        update classifications set superseded_by_id = null where id in (select id from planted);
        drop table planted""",
    ),
    Plant(
        "a result was applied twice",
        "expert",
        "received batch ",
        "update received_batches set times_applied = 2 where id in (select id from received_batches limit 1)",
        "update received_batches set times_applied = 1 where times_applied = 2",
    ),
    Plant(
        "a result is forgotten",
        "expert",
        "is closed and was not received",
        """
        alter table received_batches disable trigger all;
        create table planted as select * from received_batches order by id limit 1;
        delete from received_batches where id in (select id from planted)""",
        """
        insert into received_batches select * from planted;
        drop table planted;
        alter table received_batches enable trigger all""",
    ),
    Plant(
        "a file is lost",
        "expert",
        "is stored, not described",
        """
        create table planted as select id, described_at from resources where state = 'described' limit 1;
        update resources set state = 'stored', described_at = null, describe_attempts = 0,
            describe_claimed_until = clock_timestamp() + interval '1 hour' where id in (select id from planted)""",
        """
        update resources one set state = 'described', described_at = planted.described_at,
            describe_claimed_until = null from planted where one.id = planted.id;
        drop table planted""",
    ),
    Plant(
        "a lease is left",
        "manager",
        "1 batches waiting or leased",
        f"""
        insert into batches (id, job_id, first, size, resources, runtimes, model_set, project, priority, turn, state,
            attempt, losses, crashes, expiries, last_error, worker_id, lease_token, lease_expires_at, done, blank,
            failed, fetched)
        select gen_random_uuid(), job_id, 0, 1, '', 'onnx-cpu', 'planted', '', 1, 0, 'leased',
            1, 0, 0, 0, '', gen_random_uuid(), 'planted', clock_timestamp() + interval '1 day', 0, 0,
            0, false from finished_batches where id = {_A_BATCH}""",
        "delete from batches where lease_token = 'planted'",
    ),
    Plant(
        "the Manager counts otherwise",
        "manager",
        " there",
        """
        create table planted as select id from jobs where blank > 0 limit 1;
        update jobs set done = done + 1, blank = blank - 1 where id in (select id from planted)""",
        """
        update jobs set done = done - 1, blank = blank + 1 where id in (select id from planted);
        drop table planted""",
    ),
    Plant(
        "a result is of another attempt",
        "manager",
        "is delivered, and the Manager does not have it",
        f"update finished_batches set attempt = attempt + 1 where id = {_A_BATCH}",
        f"update finished_batches set attempt = attempt - 1 where id = {_A_BATCH}",
    ),
    Plant(
        "a worker invents a delivery",
        "worker",
        "is delivered, and the Manager does not have it",
        _A_RUN.format(state="delivered"),
        "delete from runs where because = 'planted'",
    ),
    Plant(
        "a worker keeps a batch for ever",
        "worker",
        "1 runs in workers' hands",
        _A_RUN.format(state="kept"),
        "delete from runs where because = 'planted'",
    ),
)


@asynccontextmanager
async def planted(fleet: Fleet, plant: Plant) -> AsyncIterator[None]:
    """The error is there until the block ends."""
    await _do(fleet, plant.where, plant.breaks)
    try:
        yield
    finally:
        await _do(fleet, plant.where, plant.mends)


async def _do(fleet: Fleet, where: str, script: str) -> None:
    if where == "worker":
        with closing(sqlite3.connect(fleet.state_dir(0) / "worker.sqlite3", timeout=60)) as rows, rows:
            rows.execute(script)
        return
    connection = await asyncpg.connect(fleet.expert_database if where == "expert" else fleet.manager_database)
    try:
        await connection.execute(script)
    finally:
        await connection.close()
