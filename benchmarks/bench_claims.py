"""Claim and save of empty batches by one Manager process, against the same statements in pgbench.

Sixteen clients on both sides, synchronous_commit and fsync on. Ours goes over HTTP with a credential per client, real
result blobs that are kept durably, and real leases. What pgbench runs is read from the server's own log of a round of
ours, so that it cannot be another thing; what the Manager reads once a second for all of a job is not in it. It is
measured on a table of ten thousand batches and on one of a million.
"""

import asyncio
import json
import os
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from ai_manager.direct import APPLICATION_NAME, PLANNING
from benchmarks.report import ROOT, Options, Row, Size, free_share, parse_options, report, spinners
from benchmarks.stack import Credential, Stack, manager_stack
from trapper_cli.servers import binaries

NAME = "claims"
CLIENTS = 16
BARS = {8: 0.3, 1: 0.1}
FLAT = 0.9
LOGGED = {
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_filename": "statements",
    "log_statement": "none",
}
_PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")


@dataclass(frozen=True)
class Sizes:
    """How large the tables are, how many batches one round takes, and how often it is repeated."""

    tables: tuple[int, ...]
    batches: int
    rounds: int


SIZES = {
    Size.FULL: Sizes((10_000, 1_000_000), 6_000, 3),
    Size.QUICK: Sizes((10_000, 50_000), 2_000, 1),
    Size.TINY: Sizes((500, 600), 128, 1),
}


@dataclass(frozen=True)
class Statement:
    """One statement of ours as the server logged it."""

    text: str
    values: dict[int, str | None]


def pgbench() -> Path:
    """The program; it comes with the embedded PostgreSQL."""
    program = binaries.postgres_home() / "bin" / "pgbench"
    assert program.is_file(), f"there is no {program}; install again with `make install`"
    return program


async def our_round(
    stack: Stack, credentials: list[Credential], limit: int, batches: int, *, port: int | None = None
) -> dict[str, Any]:
    """Sixteen workers in a process of their own; what they report, and the Manager's core-seconds."""
    workers = [{"worker_id": str(credential.worker_id), "token": credential.token} for credential in credentials]
    order = {"batches": batches, "limit": limit, "port": port or stack.port, "credentials": workers}
    load = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.claim_load",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    before = stack.core_seconds()
    answer, _ = await load.communicate(json.dumps(order).encode())
    assert load.returncode == 0, "the load generator failed; its reason stands above"
    figures = json.loads(answer)
    figures["manager_core_seconds"] = stack.core_seconds() - before
    figures["rate"] = figures["batches"] / figures["seconds"]
    return figures


async def statements_of(stack: Stack, credential: Credential, limit: int) -> list[Statement]:
    """The statements of one claim and the saves that follow it, in the order in which the server ran them."""
    log = stack.postgres.data_dir / "log" / "statements.json"
    async with stack.logging_manager() as port:
        await our_round(stack, [credential], limit, limit, port=port)
    statements: list[Statement] = []
    for line in log.read_text("utf-8").splitlines():
        entry = json.loads(line)
        if entry.get("application_name") != APPLICATION_NAME or not entry["message"].startswith("execute "):
            continue
        text = entry["message"].split(": ", 1)[1]
        values = {int(n): _unquoted(value) for n, value in _PARAMETER.findall(entry.get("detail", ""))}
        statements.append(Statement(text, values))
    first = max(index for index, statement in enumerate(statements) if "skip locked" in statement.text)
    return statements[first - 2 :]  # before the claim: whose token it is, and where batches wait for its worker


def _unquoted(value: str) -> str | None:
    return None if value == "NULL" else value[1:-1].replace("''", "'")


def script_of(statements: list[Statement], limit: int) -> tuple[str, dict[str, str]]:
    """The same as a pgbench script, with the ids of the batches that it claims itself; and its constants."""
    commands: list[str] = []
    constants: dict[str, str] = {}
    numbers: dict[str, int] = {}
    token = ""
    for place, statement in enumerate(statements):
        names = {}
        for number, value in statement.values.items():
            names[number] = f":c{place}_{number}" if value else "null" if value is None else "''"
            if value:
                constants[f"c{place}_{number}"] = value
        claims = "skip locked" in statement.text
        if claims:
            (token,) = (names[n] for n, value in statement.values.items() if value and value.startswith("lease_"))
        batch = _single(statement.values.get(1))
        if not claims and place > 2 and _is_uuid(batch):
            number = numbers.setdefault(batch, len(numbers) + 1)
            names[1] = f"(array[:id{number}::text])"
            held = [n for n, value in statement.values.items() if _single(value).endswith(f"-{batch}")]
            names |= dict.fromkeys(held, f"(array[{token}::text || '-' || :id{number}::text])")
        text = re.sub(r"\$(\d+)", lambda match, names=names: names[int(match[1])], statement.text.strip())
        commands.append(_with_ids(text, limit) if claims else f"{text};")
    assert len(numbers) == limit, f"{len(numbers)} batches were saved in the log, {limit} were claimed"
    return "\n".join(commands) + "\n", constants


def _with_ids(claim: str, limit: int) -> str:
    chosen = ", ".join(f"max(id::text) filter (where place = {n}) as id{n}" for n in range(1, limit + 1))
    numbered = "select id, row_number() over (order by turn, id) as place from claimed"
    return f"with claimed as ({claim}) select {chosen} from ({numbered}) as numbered \\gset"  # noqa: S608 - our own statement


def _single(value: str | None) -> str:
    """The one element of an array."""
    return value[1:-1] if value and value.startswith("{") and value.endswith("}") else ""


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def pgbench_round(stack: Stack, script: str, constants: dict[str, str], limit: int, batches: int) -> float:
    """Batches per second when nothing but the statements runs."""
    file = stack.folder / "claims.pgbench"
    file.write_text(script, "utf-8")
    defined = [item for name, value in constants.items() for item in ("-D", f"{name}={value}")]
    runs = max(1, batches // limit // CLIENTS)
    before = await _saved(stack)
    process = await asyncio.create_subprocess_exec(
        *(str(pgbench()), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-t", str(runs), "-f", str(file)),
        *defined,
        stack.database_url,
        env={**os.environ, "PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in PLANNING.items())},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    saved = await _saved(stack) - before
    assert saved == runs * limit * CLIENTS, f"pgbench saved {saved} batches, {runs * limit * CLIENTS} were asked"
    match = re.search(r"tps = ([\d.]+) \(without", out.decode())
    assert match, out.decode()
    return float(match[1]) * limit


async def _saved(stack: Stack) -> int:
    return int((await stack.sql("select count(*) as count from saved_results"))[0]["count"])


def fsyncs_per_second(folder: Path) -> float:
    """How often one thread can make 8 kB durable where the database lies."""
    with (folder / "fsync").open("wb") as file:
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < 1:
            file.seek(0)
            file.write(bytes(8192))
            file.flush()
            os.fsync(file.fileno())
            count += 1
        return count / (time.perf_counter() - began)


async def measure(options: Options) -> list[Row]:
    """Both sides in turn, on every size of the table; the best round of each side counts."""
    sizes = SIZES[options.size]
    with spinners() as pool:
        return await _measure(sizes, pool)


async def _measure(sizes: Sizes, pool: ProcessPoolExecutor) -> list[Row]:
    rows: list[Row] = []
    rates: dict[tuple[int, int], float] = {}
    async with manager_stack(postgres=LOGGED, valkey=True) as stack:
        fsyncs = fsyncs_per_second(stack.folder)
        print(f"{fsyncs:.0f} fsyncs per second, one after the other")
        job = await stack.first_job()
        credentials = await stack.enrol(CLIENTS)
        await stack.refill(job, sizes.tables[0], waiting=1)
        scripts = {limit: script_of(await statements_of(stack, credentials[0], limit), limit) for limit in BARS}
        for table in sizes.tables:
            for limit in BARS:
                ours: list[dict[str, Any]] = []
                bare: list[float] = []
                free = free_share(pool)
                for _ in range(sizes.rounds):
                    await stack.refill(job, table, waiting=sizes.batches + 2 * CLIENTS * limit)
                    ours.append(await our_round(stack, credentials, limit, sizes.batches))
                    await stack.refill(job, table, waiting=sizes.batches + 2 * CLIENTS * limit)
                    bare.append(await pgbench_round(stack, *scripts[limit], limit, sizes.batches))
                best = max(ours, key=lambda measured: measured["rate"])
                rates[table, limit] = best["rate"]
                also = {"fsyncs_per_second": round(fsyncs), "cores_free_before": round(free, 2)}
                rows.append(_row(table, limit, best, max(bare), also))
                print(f"{rows[-1].name}: {best['rate']:.0f}/s, pgbench {max(bare):.0f}/s")
    small, large = sizes.tables
    for limit in BARS:
        name = f"claim and save flat from {small} to {large} batches, claims of {limit}"
        rows.append(
            Row(name, "batches/s", rates[large, limit], rates[small, limit], f"the rate at {small} batches", FLAT)
        )
    return rows


def _row(table: int, limit: int, best: dict[str, Any], bare: float, also: dict[str, Any]) -> Row:
    return Row(
        name=f"claim and save of empty batches, claims of {limit}, {table} batches in the table",
        unit="batches/s",
        ours=best["rate"],
        baseline=bare,
        baseline_is="the same statements in pgbench, 16 clients",
        bar=BARS[limit],
        also={
            **also,
            "manager_core_ms_per_batch": round(1000 * best["manager_core_seconds"] / best["batches"], 3),
            "client_core_ms_per_batch": round(1000 * best["client_core_seconds"] / best["batches"], 3),
            "claim_p50_ms": round(best["claim_p50_ms"], 1),
            "save_p50_ms": round(best["save_p50_ms"], 1),
        },
    )


if __name__ == "__main__":
    asking = parse_options(__doc__)
    raise SystemExit(report(NAME, asyncio.run(measure(asking)), asking))
