"""Commands for operators: every mistake ends in one sentence and a code."""

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from ai_worker.commands import FAILED, WRONG_USAGE, main
from ai_worker.enrolment.credential import local_token, read_credential, write_secret
from ai_worker.enrolment.errors import CredentialDamaged, NotEnrolled
from ai_worker.tables import migrate
from tests.support.http_servers import serving
from tests.support.make.ai_worker import worker_settings, write_credential


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("AI_WORKER_STATE_DIR", str(tmp_path / "state"))


def test_a_worker_without_a_credential_does_not_start(capsys, tmp_path):
    assert main(["run", "--port", "0"]) == FAILED
    assert "enrol" in capsys.readouterr().err


def test_an_unknown_setting_stops_the_start_and_is_named(capsys, monkeypatch):
    monkeypatch.setenv("AI_WORKER_STATE_DRI", "typo")
    assert main(["run"]) == WRONG_USAGE
    assert "AI_WORKER_STATE_DRI" in capsys.readouterr().err


def test_a_malformed_origin_stops_the_start(capsys, monkeypatch):
    monkeypatch.setenv("AI_WORKER_MEDIA_ORIGINS", '["media.example.org"]')
    assert main(["doctor"]) == WRONG_USAGE
    assert "AI_WORKER_MEDIA_ORIGINS" in capsys.readouterr().err


def test_a_mirror_that_is_no_address_stops_the_start(capsys, monkeypatch):
    for wrong in ("weights.example.org", "ftp://weights.example.org", "https://weights.example.org/?a=b"):
        monkeypatch.setenv("AI_WORKER_WEIGHTS_MIRRORS", f'["{wrong}"]')
        assert main(["doctor"]) == WRONG_USAGE
        assert "AI_WORKER_WEIGHTS_MIRRORS" in capsys.readouterr().err


def test_a_runtime_that_is_not_there_is_refused_and_nothing_falls_back(capsys, monkeypatch, tmp_path):
    write_credential(worker_settings(tmp_path / "state"))
    monkeypatch.setenv("AI_WORKER_RUNTIME", "onnx-cuda")
    assert main(["run", "--port", "0"]) == FAILED
    said = capsys.readouterr().err
    assert "onnx-cuda" in said
    assert "onnx-cpu" in said


@pytest.mark.parametrize("damage", ["garbage", "newer", "folder"])
def test_a_file_that_cannot_be_used_is_said_in_one_sentence(capsys, tmp_path, damage):
    settings = worker_settings(tmp_path / "state")
    write_credential(settings)
    match damage:
        case "garbage":
            settings.database_file.write_bytes(b"this is a text and no database" * 100)
        case "newer":
            migrate(settings.database_file)
            with closing(sqlite3.connect(settings.database_file)) as connection, connection:
                connection.execute("update alembic_version set version_num = '9999'")
        case _:
            settings.database_file.mkdir()
    for command in (["run", "--port", "0"], ["status", "--port", "9"]):
        assert main(command) == FAILED
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert said.splitlines()[-1].startswith("trapper-worker: ")
        assert str(settings.database_file) in said
    assert main(["doctor"]) == FAILED
    assert f"ILL  runs: {settings.database_file}" in capsys.readouterr().out


def test_enrolling_needs_a_manager_and_a_token(capsys, monkeypatch, tmp_path):
    token = tmp_path / "token"
    token.write_text("\n")
    assert main(["enrol", "--token-file", str(token)]) == WRONG_USAGE
    monkeypatch.setenv("AI_WORKER_MANAGER_URL", "http://127.0.0.1:9")
    assert main(["enrol", "--token-file", str(token)]) == WRONG_USAGE
    assert main(["enrol", "--token-file", str(tmp_path / "nothing")]) == FAILED
    assert "Traceback" not in capsys.readouterr().err


def test_a_manager_that_does_not_answer_is_said_plainly(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("AI_WORKER_ALLOWED_ADDRESSES", '["127.0.0.0/8"]')
    token = tmp_path / "token"
    token.write_text("tme_x")
    assert main(["enrol", "--manager", "http://127.0.0.1:9", "--token-file", str(token)]) == FAILED
    assert "did not answer" in capsys.readouterr().err


async def test_a_page_that_is_no_manager_is_told_as_such(capsys, monkeypatch, tmp_path):
    """Such as that of a hotel, on which somebody has to log in first."""
    monkeypatch.setenv("AI_WORKER_ALLOWED_ADDRESSES", '["127.0.0.0/8"]')
    page = FastAPI()
    page.add_api_route("/{any:path}", lambda: HTMLResponse("<h1>Welcome</h1>"), methods=["GET", "POST"])
    token = tmp_path / "token"
    token.write_text("tme_x")
    async with serving(page) as url:
        ask = ["enrol", "--manager", url, "--token-file", str(token)]
        assert await asyncio.to_thread(main, ask) == FAILED
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith(f"trapper-worker: {url} did not answer like a Manager")
        write_credential(worker_settings(tmp_path / "state"), manager_url=url)
        assert await asyncio.to_thread(main, ["doctor"]) == FAILED
        assert f"ILL  manager: {url} did not answer like a Manager" in capsys.readouterr().out


def test_doctor_names_what_is_wrong_as_one_document(capsys):
    assert main(["doctor", "--json"]) == FAILED
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    by_name = {check["name"]: check for check in document["checks"]}
    assert by_name["state folder"]["ok"]
    assert by_name["credential"]["detail"] == "not-enrolled"
    assert by_name["runtime"] == {"name": "runtime", "ok": True, "found": "onnx-cpu", "detail": ""}


def test_doctor_names_a_seeded_folder_that_is_not_there(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("AI_WORKER_WEIGHTS_DIRS", f'["{tmp_path}", "{tmp_path}/nowhere"]')
    assert main(["doctor"]) == FAILED
    problem = f"AI_WORKER_WEIGHTS_DIRS has entries that are no folders: {tmp_path}/nowhere"
    assert f"ILL  weights: {problem}" in capsys.readouterr().out
    monkeypatch.delenv("AI_WORKER_WEIGHTS_DIRS")
    main(["doctor"])
    assert "ok   weights: 0 models, 0 bytes of 50.0 GiB" in capsys.readouterr().out


def test_secrets_are_for_their_owner_only(tmp_path):
    settings = worker_settings(tmp_path)
    bought = write_credential(settings, secret="a-secret")
    token = local_token(settings)
    assert local_token(settings) == token
    for path in (settings.credential_file, settings.local_token_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_credential(settings) == bought
    assert "a-secret" not in repr(bought)


def test_a_damaged_credential_is_told_from_a_missing_one(tmp_path):
    settings = worker_settings(tmp_path)
    with pytest.raises(NotEnrolled):
        read_credential(settings)
    write_secret(settings.credential_file, "{}")
    with pytest.raises(CredentialDamaged):
        read_credential(settings)


def test_settings_and_contract_need_neither_settings_nor_database(capsys, monkeypatch):
    monkeypatch.delenv("AI_WORKER_STATE_DIR")
    assert main(["settings"]) == 0
    assert "AI_WORKER_INTERVALS__PATIENCE" in capsys.readouterr().out
    assert main(["openapi"]) == 0
    assert "/drain" in json.loads(capsys.readouterr().out)["paths"]


def test_the_module_answers_like_the_console_script(tmp_path):
    environment = {**os.environ, "AI_WORKER_STATE_DIR": str(tmp_path)}
    unknown = subprocess.run(
        [sys.executable, "-m", "ai_worker.commands", "nonsense"], capture_output=True, check=False, env=environment
    )
    assert unknown.returncode == WRONG_USAGE


def test_a_model_is_inspected_through_standard_input(capsys, monkeypatch, tmp_path):
    class Request:
        def __init__(self, text):
            self.text = text

        def read(self):
            return self.text

    no_model = tmp_path / "model.onnx"
    no_model.write_bytes(b"\x80\x04pickle")
    monkeypatch.setattr(sys, "stdin", Request('{"name": "mine", "predictor": "yolov8", "labels": ["animal"]}'))
    assert main(["inspect-model", str(no_model)]) == FAILED
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert answer["reason"] == "not-onnx"
    monkeypatch.setattr(sys, "stdin", Request("[]"))
    assert main(["inspect-model", str(no_model)]) == WRONG_USAGE
