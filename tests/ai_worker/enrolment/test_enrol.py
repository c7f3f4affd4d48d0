"""Enrolment at a real Manager: one token, one worker, one credential."""

import asyncio
import json
import os
from uuid import UUID

import pytest

from ai_manager.workers.revoke import revoke_worker
from ai_worker.commands import FAILED, main
from ai_worker.devices import run_self_test
from ai_worker.devices.hardware import machine_memory
from ai_worker.enrolment.credential import read_credential
from tests.support.make.ai_worker import worker_settings
from tests.support.managers import running_manager


@pytest.fixture
async def manager(ai_manager_database_url, tmp_path):
    async with running_manager(ai_manager_database_url, tmp_path) as one:
        yield one


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("AI_WORKER_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("AI_WORKER_ALLOWED_ADDRESSES", '["127.0.0.0/8"]')


async def enrol(manager, token, tmp_path, *more):
    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    return await asyncio.to_thread(main, ["enrol", "--manager", manager.url, "--token-file", str(file), *more])


async def test_a_token_buys_a_credential_once_and_asking_again_keeps_it(manager, tmp_path, capsys):
    token = await manager.enrolment_token()
    assert await enrol(manager, token, tmp_path, "--name", "field-laptop") == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["name"], first["new"]) == ("field-laptop", True)
    assert await enrol(manager, token, tmp_path) == 0
    assert json.loads(capsys.readouterr().out) == {**first, "new": False}
    (worker,) = await manager.rows("select name, runtimes from workers")
    assert worker == {"name": "field-laptop", "runtimes": ["onnx-cpu"]}
    bought = read_credential(worker_settings(tmp_path / "state"))
    assert str(bought.worker_id) == first["worker_id"]
    assert bought.intervals.renew_seconds == manager.work.intervals.renew


async def test_a_credential_that_the_manager_no_longer_knows_is_replaced(manager, tmp_path, capsys):
    assert await enrol(manager, await manager.enrolment_token(), tmp_path) == 0
    first = json.loads(capsys.readouterr().out)
    async with manager.work.db() as db:
        await revoke_worker(db, UUID(first["worker_id"]), now=manager.work.clock.now())
    assert await enrol(manager, await manager.enrolment_token(), tmp_path) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["new"] is True
    assert second["worker_id"] != first["worker_id"]


async def test_a_token_that_is_used_up_is_refused_in_one_sentence(manager, tmp_path, capsys, monkeypatch):
    token = await manager.enrolment_token()
    assert await enrol(manager, token, tmp_path) == 0
    monkeypatch.setenv("AI_WORKER_STATE_DIR", str(tmp_path / "another"))
    assert await enrol(manager, token, tmp_path) == FAILED
    said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("{")]
    assert len(said) == 1
    assert said[0].startswith("trapper-worker: ")
    assert not (tmp_path / "another" / "credential.json").exists()


async def test_a_worker_that_can_run_nothing_of_the_token_is_refused(manager, tmp_path, capsys):
    token = await manager.enrolment_token(runtimes=["hailo"])
    assert await enrol(manager, token, tmp_path) == FAILED
    assert "onnx-cpu" in capsys.readouterr().err


async def test_doctor_is_content_with_an_enrolled_worker(manager, tmp_path, capsys):
    assert await enrol(manager, await manager.enrolment_token(), tmp_path) == 0
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


async def test_the_fleet_sees_the_cards_of_a_machine_and_their_memory(manager, tmp_path, monkeypatch, capsys):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '0, GPU-1, 23034, NVIDIA L4\\n1, GPU-2, [N/A], Orin\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(run_self_test, "offered_runtimes", lambda: ("onnx-cuda", "onnx-cpu"))
    token = await manager.enrolment_token(runtimes=["onnx-cuda", "onnx-cpu"])
    assert await enrol(manager, token, tmp_path) == 0
    capsys.readouterr()
    (worker,) = await manager.rows("select devices from workers")
    card, integrated, processor = worker["devices"]
    assert card == {"name": "NVIDIA L4", "kind": "cuda", "memory_bytes": 23034 * 1024**2}
    assert integrated == {"name": "Orin", "kind": "cuda", "memory_bytes": None}
    assert (processor["kind"], processor["memory_bytes"]) == ("cpu", machine_memory())
