import pytest

from trapper_cli.runs.outcomes import FileOutcome, Observation
from trapper_cli.runs.report import Report
from trapper_cli.runs.scan import FileFailure

DEER = Observation("animal", "red deer")
REPORT = Report(
    outcomes=[
        FileOutcome("1.jpg", observations=(DEER, DEER, Observation("human"))),
        FileOutcome("2.jpg", observations=(DEER, Observation("animal", "red fox"))),
        FileOutcome("3.jpg", observations=(Observation("blank"),)),
        FileOutcome("4.jpg"),
        FileOutcome("caf\udce9.jpg", failure="It cannot be read."),
    ],
    folders_failed=[FileFailure("closed", "The folder cannot be read: Permission denied.", is_media=False)],
    ignored=2,
    uploaded=5,
    seconds=2.0,
)


def test_photos_are_counted_once_for_each_thing_that_is_on_them() -> None:
    told = REPORT.document()
    counted = {name: told[name] for name in ("photos", "blank", "animals", "humans", "vehicles", "failed", "ignored")}
    assert counted == {
        "photos": 5,
        "blank": 2,
        "animals": 2,
        "humans": 1,
        "vehicles": 0,
        "failed": 2,
        "ignored": 2,
    }
    assert list(told["species"].items()) == [("red deer", 2), ("red fox", 1)]
    assert told["images_per_second"] == 2.5


def test_the_table_names_failures_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    REPORT.show()
    shown = capsys.readouterr().out
    assert "caf\\xe9.jpg" in shown
    assert "It cannot be read." in shown
    assert "red deer" in shown
