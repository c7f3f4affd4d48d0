from pathlib import Path

import pytest

from trapper_cli.models.labels import read_labels
from trapper_client.errors import WrongUsage


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content", [b"cat\nred fox\n", b"cat\r\nred fox\r\n\r\n", b"\xef\xbb\xbfcat\nred fox", b" cat \n red fox\n\n\n"]
)
def test_labels_stand_one_on_a_line_in_their_order(tmp_path: Path, content: bytes) -> None:
    assert read_labels(_file(tmp_path, content)) == ["cat", "red fox"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no label"),
        (b"\n\n", "holds no label"),
        (b"cat\n\ndog\n", "line 2 is blank"),
        (b"cat\ndog\ncat\n", "line 3: 'cat' stands in line 1 already"),
        (b"cat\x00\n", "line 1 holds a NUL"),
        (b"caf\xe9\n", "is not UTF-8"),
        (b"x" * 201, "longer than 200"),
        ("cat\ndog\n".encode("utf-16"), "is not UTF-8"),
        (b'["cat", "dog"]', "looks like JSON"),
        (b'{"0": "cat",\n "1": "dog"}\n', "looks like JSON"),
        (b"- cat\n- dog\n", "looks like YAML"),
        (b"0: cat\n1: dog\n", "looks like YAML"),
        (b"# my data\npath: /data\nnames:\n  0: cat\n", "looks like YAML"),
        (b"<annotation>\n<name>cat</name>\n", "looks like XML"),
        (b"item {\n  id: 1\n  name: 'cat'\n}\n", "label map of TensorFlow"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(WrongUsage, match=told):
        read_labels(_file(tmp_path, content))


def test_a_table_is_told_by_its_ending_since_labels_may_hold_commas(tmp_path: Path) -> None:
    text = "n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\n"
    (tmp_path / "labels.txt").write_text(text)
    assert len(read_labels(tmp_path / "labels.txt")) == 2
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(WrongUsage, match="several columns"):
        read_labels(tmp_path / "labels.csv")


@pytest.mark.parametrize("label", ["[unknown]", "- dash", "names", "12: noon", "<5 kg"])
def test_a_label_may_look_odd_where_the_others_do_not(tmp_path: Path, label: str) -> None:
    assert read_labels(_file(tmp_path, f"cat\n{label}\n".encode())) == ["cat", label]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="cannot be read: No such file"):
        read_labels(tmp_path / "nope.txt")
