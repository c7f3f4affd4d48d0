"""What waits and how long it would take: for people, and for whatever scales the fleet."""

import re
from datetime import timedelta

import pytest

from ai_manager.access.state import Scope
from ai_manager.queues.measure import load_by_runtime, speed_of
from ai_manager.queues.queries import Depth, Speeds
from tests.support.make.ai_manager import DETECTOR_SHA256, Manager, job_request, species_entry, stage

SPECIES = {"kind": "classification", "model": {"name": "test-species", "version": "1", "sha256": "b" * 64}}


def _depth(runtimes: str = "onnx-cpu+onnx-cuda", **changes: int) -> Depth:
    numbers = {"waiting": 1, "resources": 10, "unplanned": 0, **changes}
    return Depth(runtimes, ["d"], "sha", unpinned=False, oldest=None, **numbers)


def test_a_batch_counts_for_every_runtime_that_could_run_it_at_that_runtimes_speed() -> None:
    fleet = [
        Speeds(["onnx-cpu"], {"sha": 2.0}, alive=True),
        Speeds(["onnx-cpu"], {"sha": 4.0}, alive=True),
        Speeds(["onnx-cuda"], {"sha": 50.0}, alive=False),
    ]
    cpu, cuda = load_by_runtime([_depth(), _depth(unplanned=80)], fleet)
    assert (cpu.runtime, cpu.resources, cpu.workers) == ("onnx-cpu", 100, 2)
    assert cpu.seconds_of_work == pytest.approx(100 / 3)
    assert (cuda.runtime, cuda.workers, cuda.seconds_of_work) == ("onnx-cuda", 0, 2.0)


def test_what_nobody_measured_has_no_end_and_a_runtime_without_work_has_none() -> None:
    fleet = [Speeds(["onnx-cpu"], {"other": 2.0}, alive=True), Speeds(["hailo"], {}, alive=True)]
    found = {load.runtime: load for load in load_by_runtime([_depth("onnx-cpu")], fleet)}
    assert found["onnx-cpu"].seconds_of_work is None
    assert (found["hailo"].seconds_of_work, found["hailo"].workers) == (0.0, 1)


def test_those_who_are_here_say_how_fast_it_goes_and_otherwise_those_who_were() -> None:
    away = Speeds([], {"sha": 1.0}, alive=False)
    assert speed_of("sha", [away, Speeds([], {"sha": 9.0}, alive=True)]) == 9.0
    assert speed_of("sha", [away, Speeds([], {"sha": 0.0}, alive=True)]) == 1.0
    assert speed_of("sha", []) is None


async def test_people_see_depth_by_runtimes_and_models(manager: Manager, expert: dict[str, str]) -> None:
    operator = await manager.token(Scope.OPERATE, name="operator")
    await manager.publish(species_entry())
    await manager.planned(expert, job_request(60))
    machine = await manager.worker()
    await machine.claim(limit=2)
    await manager.planned(expert, job_request(3, stages=[stage(), SPECIES]))
    await machine.beat(images_per_second={DETECTOR_SHA256: 0.5})
    queues = (await manager.http.get("/api/queues/", headers=operator)).json()
    narrow, wide = queues["items"]
    assert narrow["runtimes"] == ["onnx-cpu"]
    assert [one["models"] for one in narrow["model_sets"]] == [["test-detector", "test-species"]]
    assert (wide["runtimes"], wide["leased"], wide["workers"]) == (["onnx-cpu", "onnx-cuda", "onnx-tensorrt"], 2, 1)
    assert wide["unplanned"] + wide["resources"] == 60
    assert (narrow["waiting"], narrow["resources"]) == (1, 3)
    by_name = {one["runtime"]: one for one in queues["runtimes"]}
    cpu = by_name["onnx-cpu"]
    assert (cpu["resources"], cpu["seconds_of_work"], cpu["workers"]) == (57, 114.0, 1)
    assert by_name["onnx-cuda"]["seconds_of_work"] is None, "nobody measured it there"
    assert 0 <= cpu["oldest_waiting_seconds"] < 600


async def test_an_empty_queue_is_empty(manager: Manager) -> None:
    operator = await manager.token(Scope.OPERATE, name="operator")
    assert (await manager.http.get("/api/queues/", headers=operator)).json() == {"items": [], "runtimes": []}


def _read(page: str) -> dict[str, float]:
    lines = re.findall(r"^(trapper_\S+) (\S+)$", page, re.MULTILINE)
    return {name: float(value) for name, value in lines}


async def test_prometheus_reads_the_queue_the_fleet_and_what_went_wrong(
    manager: Manager, expert: dict[str, str]
) -> None:
    await manager.planned(expert, job_request(60))
    machine = await manager.worker()
    await manager.worker()
    first, second, third = await machine.claim(limit=3)
    await machine.beat(images_per_second={DETECTOR_SHA256: 2.0})
    await machine.finish(first)
    await machine.release(second, "disk_full")
    await machine.release(third, "draining")
    long_ago = manager.work.clock.now() - timedelta(hours=1)
    await manager.execute("update workers set seen_at = :at where id <> :w", at=long_ago, w=machine.id)
    await manager.execute("update saved_results set closed_at = closed_at - interval '90 seconds'")
    told = _read((await manager.http.get("/metrics")).text)
    assert told['trapper_batches{state="waiting"}'] == 7
    assert told['trapper_batches{state="leased"}'] == 0
    assert told['trapper_waiting_resources{runtime="onnx-cpu"}'] == 57
    assert told['trapper_waiting_work_seconds{runtime="onnx-cpu"}'] == 28.5
    assert 'trapper_waiting_work_seconds{runtime="onnx-cuda"}' not in told
    assert told['trapper_waiting_oldest_seconds{runtime="onnx-cpu"}'] >= 0
    assert told['trapper_live_workers{runtime="onnx-cpu"}'] == 1
    assert (told['trapper_workers{state="alive"}'], told['trapper_workers{state="silent"}']) == (1, 1)
    assert told['trapper_batch_losses_total{loss="released"}'] == 1
    assert told['trapper_batch_losses_total{loss="drained"}'] == 1
    assert told["trapper_unfetched_results"] == 1
    assert told["trapper_unfetched_oldest_seconds"] >= 90


async def test_a_database_that_is_away_leaves_the_counters_of_the_process(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OSError("nobody answers")

    monkeypatch.setattr(manager.work, "db", away)
    answer = await manager.http.get("/metrics")
    assert answer.status_code == 200
    assert "trapper_waiting_resources" not in answer.text
    assert "trapper_requests_total" in answer.text or "trapper_tasks_total" in answer.text


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_who_is_alive_does_not_depend_on_whose_clock_is_wrong(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    operator = await manager.token(Scope.OPERATE)
    machine, right = await manager.worker(), manager.work.clock.now
    with monkeypatch.context() as heard:  # the Manager that hears the heartbeat; the one that tells is right
        heard.setattr(manager.work.clock, "now", lambda: right() + timedelta(minutes=minutes))
        await machine.beat()
    shown = await manager.http.get(f"/api/workers/{machine.id}/", headers=operator)
    assert shown.json()["state"] == "alive"
    monkeypatch.setattr(manager.work.clock, "now", lambda: right() + timedelta(minutes=minutes))
    shown = await manager.http.get(f"/api/workers/{machine.id}/", headers=operator)
    assert shown.json()["state"] == "alive"
    told = _read((await manager.http.get("/metrics")).text)
    assert told['trapper_workers{state="alive"}'] == 1
