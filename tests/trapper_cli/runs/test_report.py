import pytest

from trapper_cli.runs.outcomes import FileOutcome, InputGap, KeptAt, Observation, RunResult
from trapper_cli.runs.report import Report

DEER, FOX = Observation("animal", "red deer"), Observation("animal", "red fox")
OUTCOMES = [
    FileOutcome("1.jpg", "a", captured_at="x", time_source="exif", observations=(DEER, DEER, Observation("human"))),
    FileOutcome("2.jpg", "b", captured_at="x", time_source="filename", observations=(DEER, FOX)),
    FileOutcome("3.jpg", "c", time_source="none", observations=(Observation("blank"),)),
    FileOutcome("4.jpg", "d", captured_at="x", time_source="exif"),
    FileOutcome("caf\udce9.jpg", failure="It cannot be decoded."),
]


def _report(*more: FileOutcome, outcomes: list[FileOutcome] = OUTCOMES, gaps: tuple[InputGap, ...] = ()) -> Report:
    result = RunResult("card (0123456789)", [*outcomes, *more], gaps)
    return Report(result, planned=[], visit=1, ignored=2, uploaded=5, looked_at=4, seconds=2.0)


def test_photos_are_counted_once_for_each_thing_that_is_on_them() -> None:
    document = _report().document()
    names = ("photos", "blank", "animals", "humans", "vehicles", "failed", "ignored", "without_time")
    assert {name: document[name] for name in names} == {
        "photos": 5,
        "blank": 2,
        "animals": 2,
        "humans": 1,
        "vehicles": 0,
        "failed": 1,
        "ignored": 2,
        "without_time": 1,
    }
    assert list(document["species"].items()) == [("red deer", 2), ("red fox", 1)]
    assert document["images_per_second"] == 2.0  # of the four that were looked at in this run


def test_the_same_bytes_at_two_places_are_one_photo_and_both_places_are_named() -> None:
    twin = FileOutcome("cam/1.jpg", "a", captured_at="x", kept_at=KeptAt("CAM1", "1.jpg"), observations=(DEER,))
    document = _report(twin).document()
    assert (document["files"], document["photos"], document["animals"]) == (6, 5, 2)
    assert document["duplicates"] == [
        {"sha256": "a", "files": ["1.jpg", "cam/1.jpg"], "counted_at": {"deployment": "CAM1", "path": "1.jpg"}}
    ]


def test_files_that_failed_are_counted_one_by_one_also_with_the_same_bytes() -> None:
    empty = [FileOutcome(f"cam{n}/0.jpg", "e3b0", failure="The file is empty.") for n in range(3)]
    document = _report(*empty).document()
    assert (document["failed"], document["photos"], document["duplicates"]) == (4, 8, [])


def test_a_damaged_photo_without_an_object_is_not_blank() -> None:
    document = _report(FileOutcome("5.jpg", "f", captured_at="x", is_damaged=True)).document()
    assert (document["blank"], document["damaged"]) == (2, 1)


CLOSED = InputGap("closed", "The folder cannot be read: Permission denied.")


def test_a_folder_is_no_photo_and_what_was_not_read_is_listed() -> None:
    report = _report(gaps=(CLOSED,))
    document = report.document()
    assert (document["photos"], document["failed"], document["input_complete"]) == (5, 1, False)
    assert document["not_read"] == [{"file": "closed", "reason": CLOSED.reason}]
    assert {failure["file"] for failure in document["failures"]} == {"caf\udce9.jpg", "closed"}
    assert report.exit_code == 3
    assert "only in part" in (report.problem or "")


FAILED = FileOutcome("a.jpg", failure="It cannot be decoded.")


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (_report(), 0),
        (_report(outcomes=[FAILED]), 1),
        (_report(outcomes=[FAILED], gaps=(CLOSED,)), 1),
        (_report(FileOutcome("6.jpg", "g", failure="No result came for this photo.", has_no_result=True)), 1),
        (_report(FileOutcome("7.jpg", failure="The file cannot be read: Input/output error.", is_unread=True)), 3),
    ],
)
def test_the_exit_code_says_whether_the_result_is_whole(report: Report, code: int) -> None:
    assert report.exit_code == code
    assert (report.problem is None) == (code == 0)


def shown(report: Report, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of the table, each with single spaces."""
    report.show()
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_the_table_names_failures_first_and_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(_report(gaps=(CLOSED,)), capsys)
    assert lines[:4] == ["Failed Why", "caf\\xe9.jpg It cannot be decoded.", f"closed {CLOSED.reason}", ""]
    assert lines[4:] == [
        "Photos 5",
        "Blank 2",
        "With animals 2",
        "With humans 1",
        "With vehicles 0",
        "red deer 2",
        "red fox 1",
        "Failed 1",
        "Times from exif 2, filename 1",
        "Without a time 1",
        "Not read 1",
        "Other files, left out 2",
        "Seconds 2.0",
        "Images per second 2.0",
    ]


def test_the_table_shows_damage_and_both_places_of_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    twin = FileOutcome("cam/1.jpg", "a", captured_at="x", kept_at=KeptAt("CAM1", "1.jpg"), observations=(DEER,))
    lines = shown(_report(twin, FileOutcome("5.jpg", "f", captured_at="x", is_damaged=True)), capsys)
    assert "Photos 6" in lines
    assert "Blank 2" in lines
    assert "Damaged, so not known to be blank 1" in lines
    assert "Files with the bytes of another 2" in lines
    assert lines[-2:] == ["Same bytes Counted at Deployment", "1.jpg, cam/1.jpg 1.jpg CAM1"]


def test_when_every_photo_failed_that_is_reported_first(capsys: pytest.CaptureFixture[str]) -> None:
    result = RunResult("card", [FileOutcome(f"{n}.jpg", failure="It cannot be decoded.") for n in range(30)])
    report = Report(result, planned=[], visit=1, ignored=0, uploaded=0, looked_at=0, seconds=2.0)
    report.show()
    out, err = capsys.readouterr()
    assert err == "No photo was looked at: all of them failed.\n"
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[:2] == ["Failed Why", "0.jpg It cannot be decoded."]
    assert lines.index("… and 10 more; --json or --out lists them all.") < lines.index("Photos 30")
    assert "Failed 30" in lines
    assert not any(line.startswith(("Blank", "With ", "Images per second")) for line in lines)


def test_without_a_photo_that_was_looked_at_in_this_run_no_speed_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(RunResult("card", OUTCOMES), planned=[], visit=1, ignored=0, uploaded=0, looked_at=0, seconds=2.0)
    assert not any("per second" in line for line in shown(report, capsys))
