import csv
import io
from collections.abc import Iterable

import pytest

from trapper_cli.runs import write_csv
from trapper_cli.runs.outcomes import FileOutcome, InputGap, Observation, RunResult
from trapper_cli.runs.write_csv import BYTE_ORDER_MARK, COLUMNS


def observations_csv(outcomes: Iterable[FileOutcome], *gaps: InputGap) -> bytes:
    return write_csv.observations_csv(RunResult("card (0123456789)", list(outcomes), gaps))


def _rows(*outcomes: FileOutcome) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(observations_csv(outcomes).decode("utf-8"), newline="")))


def test_every_observation_and_every_file_without_one_has_a_row() -> None:
    animal = Observation("animal", "red deer", "Cervus elaphus", 1, 0.91234, 0.8, (0.1, 0.2, 0.3, 0.4))
    rows = _rows(
        FileOutcome("b.jpg", observations=(Observation("human", detection_confidence=0.3), animal)),
        FileOutcome("a.jpg", observations=(Observation("blank"),)),
        FileOutcome("d.jpg"),
        FileOutcome("c.jpg", failure="It cannot be read."),
    )
    assert [(row["file"], row["status"], row["observation_type"]) for row in rows] == [
        ("a.jpg", "blank", "blank"),
        ("b.jpg", "seen", "animal"),
        ("b.jpg", "seen", "human"),
        ("c.jpg", "failed", ""),
        ("d.jpg", "blank", "blank"),
    ]
    assert rows[1]["label"] == "red deer"
    assert rows[1]["detection_confidence"] == "0.9123"
    assert rows[1]["width"] == "0.3"
    assert rows[3]["failure"] == "It cannot be read."


def test_every_row_has_the_same_columns() -> None:
    text = observations_csv([FileOutcome("1.jpg"), FileOutcome("2.jpg", failure="No."), FileOutcome('a,"b\n.jpg')])
    assert {len(row) for row in csv.reader(io.StringIO(text.decode(), newline=""))} == {len(COLUMNS)}


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_run_is_quoted(beginning: str) -> None:
    row = _rows(FileOutcome(f"{beginning}1.jpg", observations=(Observation("animal", f"{beginning}cmd"),)))[0]
    assert row["file"] == f"'{beginning}1.jpg"
    assert row["label"] == f"'{beginning}cmd"


def test_a_name_that_is_no_text_can_be_told_and_the_table_stays_utf8() -> None:
    assert _rows(FileOutcome("caf\udce9.jpg"))[0]["file"] == "caf\\xe9.jpg"


def test_the_same_outcomes_in_any_order_are_the_same_bytes() -> None:
    seen = [FileOutcome(f"{n}.jpg", observations=(Observation("animal"), Observation("human"))) for n in range(5)]
    turned = [FileOutcome(each.relative, observations=each.observations[::-1]) for each in seen[::-1]]
    assert observations_csv(seen) == observations_csv(turned)


def test_damaged_and_unread_files_have_a_status_of_their_own() -> None:
    outcomes = [
        FileOutcome("1.jpg", is_damaged=True),
        FileOutcome("2.jpg", failure="The file cannot be read: Input/output error.", is_unread=True),
        FileOutcome("3.jpg", is_damaged=True, observations=(Observation("animal"),)),
    ]
    gap = InputGap("closed", "The folder cannot be read: Permission denied.")
    text = observations_csv(outcomes, gap).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["file"], row["status"], row["damaged"], row["observation_type"]) for row in rows] == [
        ("1.jpg", "damaged", "yes", ""),
        ("2.jpg", "not read", "", ""),
        ("3.jpg", "seen", "yes", "animal"),
        ("closed", "not read", "", ""),
    ]
    assert rows[3]["failure"] == gap.reason


def test_a_byte_order_mark_comes_first_when_requested() -> None:
    result = RunResult("card", [FileOutcome("\xe9.jpg")])
    marked = write_csv.observations_csv(result, byte_order_mark=True)
    assert marked == BYTE_ORDER_MARK + write_csv.observations_csv(result)
    assert next(csv.DictReader(io.StringIO(marked.decode("utf-8-sig"), newline="")))["file"] == "\xe9.jpg"
