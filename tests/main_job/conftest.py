"""One whole stack for all the tests of this folder, first started by `trapper run` itself."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.main_job.trapper import SAMPLE, Answer, Trapper


@dataclass(frozen=True)
class FirstRun:
    """What the very first command on an empty machine did."""

    photos: Path
    files: list[str]
    answer: Answer
    results: bytes
    table: bytes


@pytest.fixture(scope="package")
def trapper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trapper]:
    """A state folder, empty as yet, with a space in its name; a run of the tests has one."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        (tmp_path_factory.getbasetemp().parent / "the stack of main_job").mkdir()  # fails at a second start
    place = Path(tempfile.mkdtemp(prefix="trapper job "))
    made = Trapper(place)
    yield made
    made("down")
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="package")
def first_run(trapper: Trapper) -> FirstRun:
    """`trapper run` where nothing runs yet: twelve photos of two cameras, every second of their first ones."""
    photos = trapper.place / "first photos"
    files = [f"{leaf}/IMG_{n:04}.JPG" for leaf in ("forest-edge", "river-track") for n in (1, 4, 7, 10, 13, 16)]
    for file in files:
        (photos / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLE / file, photos / file)
    results, table = trapper.place / "results.json", trapper.place / "observations.csv"
    answer = trapper.run(photos, "--out", results, "--out", table)
    return FirstRun(photos, files, answer, results.read_bytes(), table.read_bytes())


@pytest.fixture
def stack(trapper: Trapper, first_run: FirstRun) -> Trapper:
    """The command, with a stack that runs."""
    return trapper


@pytest.fixture
def folder(trapper: Trapper) -> Path:
    """A new folder beside the state folder."""
    return Path(tempfile.mkdtemp(prefix="photos ", dir=trapper.place))
