from pathlib import Path

import pytest

from trapper_cli.models_labels import read_labels
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
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(WrongUsage, match=told):
        read_labels(_file(tmp_path, content))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="cannot be read: No such file"):
        read_labels(tmp_path / "nope.txt")
