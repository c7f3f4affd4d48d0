import json
from pathlib import Path

import pytest

from trapper_cli.runs.outcomes import FileOutcome, ModelUsed, RunResult
from trapper_cli.runs.outputs import check_collection, check_outputs
from trapper_cli.runs.write_csv import observations_csv
from trapper_cli.runs.write_file import write_whole
from trapper_cli.runs.write_md_json import md_json
from trapper_client.errors import WrongUsage

COLLECTION = "=card (0123456789)"
RESULT = RunResult(COLLECTION, [FileOutcome("1.jpg")])


def _ours(folder: Path) -> list[Path]:
    """The results of a run, as JSON, CSV, and CSV with a byte order mark."""
    paths = [folder / "r.json", folder / "r.csv", folder / "bom.csv"]
    paths[0].write_bytes(md_json(RESULT, ModelUsed("demo-detector", "1", "a" * 64), None))
    paths[1].write_bytes(observations_csv(RESULT))
    paths[2].write_bytes(observations_csv(RESULT, byte_order_mark=True))
    return paths


def test_results_of_the_same_folder_are_replaced(tmp_path: Path) -> None:
    outputs = check_outputs(_ours(tmp_path), overwrite=False)
    check_collection(outputs, COLLECTION)


def test_results_of_another_folder_need_overwrite(tmp_path: Path) -> None:
    for path in _ours(tmp_path):
        outputs = check_outputs([path], overwrite=False)
        with pytest.raises(WrongUsage, match=r"results of another folder.*--overwrite"):
            check_collection(outputs, "other (9876543210)")
        check_collection(check_outputs([path], overwrite=True), "other (9876543210)")


def test_results_of_another_visit_to_the_folder_are_replaced_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_collection(check_outputs(_ours(tmp_path)[:1], overwrite=False), f"{COLLECTION}, visit 2")
    assert "another visit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"{}"),
        ("a.json", b"[1]"),
        ("a.json", b"not json"),
        ("a.json", b"\xff\xfe"),
        ("a.json", json.dumps({"info": {"collection": 1}}).encode()),
        ("a.json", json.dumps({"info": {"detector": "mdv5"}, "images": []}).encode()),
        ("a.csv", b"file,status\r\n1.jpg,seen\r\n"),
        ("a.csv", b"\xff\xfe\x00"),
        ("a.CSV", b"my notes"),
    ],
)
def test_a_foreign_file_needs_overwrite(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WrongUsage, match="was not written by `trapper run`"):
        check_outputs([path], overwrite=False)
    assert check_outputs([path], overwrite=True)[0].collection is None
    assert path.read_bytes() == content


def test_an_empty_or_absent_file_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_bytes(b"")
    outputs = check_outputs([tmp_path / "empty.json", tmp_path / "new.csv"], overwrite=False)
    assert [output.collection for output in outputs] == [None, None]


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "r.json"
    link.symlink_to(tmp_path / "real" / "target")
    (output,) = check_outputs([link], overwrite=False)
    write_whole(output.target, b"new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "target").read_bytes() == b"new"


def test_a_link_to_a_foreign_file_needs_overwrite(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    (tmp_path / "r.csv").symlink_to(tmp_path / "thesis.txt")
    with pytest.raises(WrongUsage, match="--overwrite"):
        check_outputs([tmp_path / "r.csv"], overwrite=False)


def test_what_can_never_be_written_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    for name, reason in (
        ("folder.json", "is a folder"),
        ("loop.json", "leads to itself|neither"),
        ("x.zip", "one of .json, .csv"),
        ("gone/x.csv", "there is no folder"),
    ):
        with pytest.raises(WrongUsage, match=reason):
            check_outputs([tmp_path / name], overwrite=False)
