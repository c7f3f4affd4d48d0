"""A drive that stops answering between reading a photo and uploading it."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.main_job.trapper import MARKS, SAMPLE, Trapper
from trapper_cli.runs.plan import DeploymentRule, plan_deployments
from trapper_cli.runs.scan import PhotoFile
from trapper_cli.runs.send import FileToSend, Sender, Sent
from trapper_cli.runs.visits import Visit
from trapper_cli.runs.workspace import ensure_deployments, find_project, open_workspace
from trapper_client.client import TrapperClient
from trapper_client.stack import connect

pytestmark = MARKS

LARGE = 17 << 20
HANGS_WHEN_SENT = """
import os, sys
from trapper_cli.runs import send
from trapper_client.app import run

def send_from_hung_drive(self, files, send=send.Sender.send):
    for file in files:
        file.photo.path.unlink()
        os.mkfifo(file.photo.path)
    return send(self, files)

send.Sender.send = send_from_hung_drive
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def expert(stack: Trapper, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrapperClient]:
    monkeypatch.setenv("TRAPPER_STATE_DIR", str(stack.state_dir))
    with connect() as client:
        yield client


def send(expert: TrapperClient, folder: Path, photos: list[PhotoFile], warnings: list[str]) -> Sent:
    project = find_project(expert)
    visit = Visit(folder.name, 1, is_new=True)
    workspace = open_workspace(expert, project, str(folder), visit, sequence_interval=120)
    rule = DeploymentRule()
    planned = plan_deployments(str(folder), photos, {}, rule)
    (deployment,) = ensure_deployments(expert, workspace, str(folder), visit, planned=planned, rule=rule).values()
    files = [FileToSend(photo, hashlib.sha256(photo.relative.encode()).hexdigest(), deployment) for photo in photos]
    whole = next(file for file in files if file.photo.path.is_file())
    files[files.index(whole)] = FileToSend(
        whole.photo, hashlib.sha256(whole.photo.path.read_bytes()).hexdigest(), deployment
    )
    sender = Sender(
        expert, workspace, on_file=lambda: None, on_chunk=lambda: None, warn=warnings.append, give_up_seconds=2
    )
    return sender.send(files)


def test_a_read_that_hangs_while_uploading_is_given_up_and_the_rest_is_sent(
    folder: Path, expert: TrapperClient
) -> None:
    whole = folder / "whole.jpg"
    whole.write_bytes((SAMPLE / "meadow" / "IMG_0001.JPG").read_bytes() + str(folder).encode())
    photos = [PhotoFile(whole, "whole.jpg", whole.stat().st_size)]
    for name, size in (("hangs.jpg", 1000), ("hangs-later.jpg", LARGE)):
        os.mkfifo(folder / name)
        photos.insert(0, PhotoFile(folder / name, name, size))
    writer = threading.Thread(target=(folder / "hangs-later.jpg").write_bytes, args=(bytes(3 << 20),), daemon=True)
    writer.start()  # its first bytes are read, and then no more come
    keep_open = os.open(folder / "hangs-later.jpg", os.O_RDWR)
    warnings: list[str] = []
    others = set(threading.enumerate())
    sent = send(expert, folder, photos, warnings)
    os.close(keep_open)
    (folder / "hangs.jpg").write_bytes(b"late")  # both reads end after they were given up, and change nothing
    for thread in set(threading.enumerate()) - others:
        thread.join(10)
    assert sorted(sent.failures) == ["hangs-later.jpg", "hangs.jpg"]
    assert all(each.is_unread and "the drive did not answer for" in each.reason for each in sent.failures.values())
    assert (sent.uploaded, len(sent.resources)) == (1, 1)


def test_one_interrupt_ends_a_run_that_hangs_after_its_plan_was_printed(stack: Trapper, folder: Path) -> None:
    card = folder / "card"
    card.mkdir()
    (card / "1.jpg").write_bytes((SAMPLE / "meadow" / "IMG_0001.JPG").read_bytes() + str(folder).encode())
    process = subprocess.Popen(
        [sys.executable, "-c", HANGS_WHEN_SENT, "run", str(card), "--read-timeout", "15"],
        env=stack.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if "Still waiting for" in line:
            process.send_signal(2)
            break
    assert process.wait(20) == 130
    lines += process.stderr.readlines()
    process.stderr.close()
    plan = [line.split() for line in process.stdout]
    process.stdout.close()
    assert [words[:3] for words in plan if words] == [["Deployment", "Folders", "Photos"], ["card", ".", "1"]]
    assert "1.jpg" in next(line for line in lines if "Still waiting for" in line)
    assert "Traceback" not in "".join(lines)
