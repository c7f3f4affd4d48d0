"""Whatever lies in the folder: each bad file says why, and all the others are done."""

import json
import os
import re
import shutil
from dataclasses import dataclass
from typing import Any

import pytest

from tests.main_job.boxes import agree, is_seen, sure
from tests.main_job.conftest import FirstRun
from tests.main_job.hostile import CUT_OFF, GOOD, NAMES, bad, lay_out
from tests.main_job.md_rules import broken_rules
from tests.main_job.trapper import DEMO, MARKS, Trapper
from tests.support.shared_data import SHARED_DATA

pytestmark = MARKS

# Root may enter every folder, unless it lays the right to do so aside.
RIGHTS = "-dac_override,-dac_read_search"
WITHOUT_PRIVILEGE = ("setpriv", f"--bounding-set={RIGHTS}", f"--inh-caps={RIGHTS}")
IS_CLOSABLE = os.geteuid() != 0 or shutil.which("setpriv") is not None


@dataclass(frozen=True)
class Outcome:
    """What came of the hostile folder."""

    media: list[str]
    report: dict[str, Any]
    document: dict[str, Any]
    inferred: bool

    @property
    def images(self) -> dict[str, dict[str, Any]]:
        return {image["file"]: image for image in self.document["images"]}


@pytest.fixture(scope="module")
def outcome(trapper: Trapper, first_run: FirstRun) -> Outcome:
    root = trapper.place / "hostile photos"
    media = lay_out(root, closed=IS_CLOSABLE)
    if SHARED_DATA.exists():
        shutil.copy(SHARED_DATA / "video" / "small-cat.mp4", root / "kinds" / "small-cat.mp4")
        media = sorted([*media, "kinds/small-cat.mp4"], key=os.fsencode)
    before = WITHOUT_PRIVILEGE if os.geteuid() == 0 and IS_CLOSABLE else ()
    out = trapper.place / "hostile.json"
    code = 3 if IS_CLOSABLE else 0
    report = trapper.run(root, *DEMO, "--out", out, before=before, code=code).json
    document = json.loads(out.read_bytes())
    jobs = trapper.inferred()
    trapper.run(root, *DEMO, "--out", out, before=before, code=code)
    if IS_CLOSABLE:
        (root / "closed").chmod(0o700)
    assert json.loads(out.read_bytes()) == document
    return Outcome(media, report, document, trapper.inferred() != jobs)


def test_every_medium_is_listed_once_byte_for_byte(outcome: Outcome) -> None:
    assert broken_rules(outcome.document) == []
    assert [os.fsencode(image["file"]) for image in outcome.document["images"]] == [*map(os.fsencode, outcome.media)]
    assert outcome.report["ignored"] == 1


def test_each_bad_file_has_one_plain_sentence_and_no_other_file_has(outcome: Outcome) -> None:
    failures = {file: image["failure"] for file, image in outcome.images.items() if "failure" in image}
    clips = {file for file in outcome.media if file.endswith(".mp4")}
    assert set(failures) == {f"kinds/{name}" for name in bad()} | clips
    for file, sentence in failures.items():
        assert re.fullmatch(r"[A-Z][^\n]{10,250}\.", sentence), (file, sentence)
        assert not re.search(r"Error|Exception|0x[0-9a-f]+|/tmp|site-packages", sentence), (file, sentence)
    assert all("Video is not supported" in failures[file] for file in clips)


def test_what_failed_is_not_asked_for_again(outcome: Outcome) -> None:
    assert not outcome.inferred


@pytest.mark.parametrize("name", [name for name in GOOD if "grey" not in name])
def test_every_kind_of_picture_shows_the_same(outcome: Outcome, name: str) -> None:
    """Also the one that lies on its side: its boxes are those of the upright picture."""
    assert agree(outcome.images["kinds/plain.jpg"], outcome.images[f"kinds/{name}"], 0.85)


def test_a_jpeg_that_was_cut_off_is_looked_at_as_far_as_it_goes(outcome: Outcome) -> None:
    assert agree(outcome.images["kinds/plain.jpg"], outcome.images[f"kinds/{CUT_OFF}"], 0.8)


def test_16_bits_of_grey_keep_their_brightness(outcome: Outcome) -> None:
    narrow, wide = (sure(outcome.images[f"kinds/{name}"]) for name in ("grey.png", "wide-grey.png"))
    assert len(narrow) == len(wide) > 0
    for one, other in zip(narrow, wide, strict=True):
        assert is_seen(one["category"], one["bbox"], [other], 0.97)
        assert one["conf"] == pytest.approx(other["conf"], abs=0.01)


@pytest.mark.parametrize("raw", NAMES)
def test_no_name_keeps_a_photo_from_being_looked_at(outcome: Outcome, raw: bytes) -> None:
    assert agree(outcome.images["kinds/plain.jpg"], outcome.images[f"names/{os.fsdecode(raw)}"], 0.85)


def test_two_files_with_the_same_bytes_show_the_same(outcome: Outcome) -> None:
    one, other = (outcome.images[f"twin {number}/same.jpg"]["detections"] for number in ("one", "two"))
    assert one == other
    assert [each["category"] for each in one if each["conf"] >= 0.5] == ["3"]


@pytest.mark.skipif(not IS_CLOSABLE, reason="this machine runs the tests as root, and lacks setpriv")
def test_a_folder_that_cannot_be_entered_is_listed_and_counted_as_no_photo(outcome: Outcome) -> None:
    unread = {gap["file"]: gap["reason"] for gap in outcome.report["not_read"]}
    assert "Permission denied" in unread["closed"]
    assert outcome.document["info"]["not_read"] == outcome.report["not_read"]
    assert outcome.report["failed"] == sum("failure" in image for image in outcome.document["images"])
    assert not any(file.startswith("closed") for file in outcome.images)


def test_afterwards_the_stack_is_sound(stack: Trapper, outcome: Outcome) -> None:
    stack.assert_sound()
