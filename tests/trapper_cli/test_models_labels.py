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


FORMS = [
    b"0:red fox\n1:roe deer\n2:hare",
    b"0: red fox\n1: roe deer\n2: hare\n",
    b"0,red fox\n1,roe deer\n2,hare",
    b"red fox;0\nroe deer;1\nhare;2",
    b"1. red fox\n2. roe deer\n3. hare",
    b"1) red fox\n2) roe deer\n3) hare",
    b"0\tred fox\n1\troe deer\n2\thare",
    b"red fox\t0\nroe deer\t1\nhare\t2",
    b"0 red fox\n1 roe deer\n2 hare",
    b"2: hare\n0: red fox\n1: roe deer",
    b"id,name\n0,red fox\n1,roe deer\n2,hare\n",
    b"name;id\nred fox;0\nroe deer;1\nhare;2\n",
    b"label,scientific_name\nred fox,Vulpes vulpes\nroe deer,Capreolus capreolus\nhare,Lepus europaeus\n",
    b"label\nred fox\nroe deer\nhare",
    b"names:\n  0: red fox\n  1: roe deer\n  2: hare\n",
    b"names:\n- red fox\n- roe deer\n- hare\n",
    b"# my classes\nred fox\nroe deer\nhare\n",
    b'"red fox"\n"roe deer"\n"hare"\n',
    b'["red fox", "roe deer", "hare"]',
    b"['red fox', 'roe deer', 'hare']",
    b'{"0": "red fox",\n "1": "roe deer", "2": "hare"}\n',
    b"{0: 'red fox', 1: 'roe deer', 2: 'hare'}",
    b'{"red fox": 0, "hare": 2, "roe deer": 1}',
    b"names = ['red fox', 'roe deer', 'hare']",
    b"red fox, roe deer, hare\n",
    b"red fox;roe deer;hare",
    b"red fox\troe deer\thare",
    b"0: red fox, 1: roe deer, 2: hare",
]


@pytest.mark.parametrize("content", FORMS)
def test_any_common_form_gives_the_labels_without_their_indices(tmp_path: Path, content: bytes) -> None:
    assert read_labels(_file(tmp_path, content)) == ["red fox", "roe deer", "hare"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no label"),
        (b"\n\n", "holds no label"),
        (b"cat\n\ndog\n", "label 2 is blank"),
        (b"cat\ndog\ncat\n", "'cat' is label 3 and label 1"),
        (b"cat\x00\n", "label 1 holds a NUL"),
        (b"caf\xe9\n", "is not UTF-8"),
        (b"x" * 201, "longer than 200"),
        ("cat\ndog\n".encode("utf-16"), "is not UTF-8"),
        (b"0: cat\n2: dog\n", "2 is out of place"),
        (b"0,cat\n0,dog\n", "0 is out of place"),
        (b"0: cat\n1: dog\nhare\n", "line 3 has no index"),
        (b'{"cat": "dog"}', "neither a list of labels"),
        (b"[[1, 2], [3, 4]]", "neither a list of labels"),
        (b"[\n'cat',\n", "cannot be read as such"),
        (b"cat, dog", "one label or 2"),
        (b"id,name\n0,cat\n1,dog,big\n", "line 3: expected 2 columns"),
        (b"# my data\npath: /data\nnames:\n  0: cat\n", "looks like YAML"),
        (b"<annotation>\n<name>cat</name>\n", "looks like XML"),
        (b"item {\n  id: 1\n  name: 'cat'\n}\n", "label map of TensorFlow"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(WrongUsage, match=told):
        read_labels(_file(tmp_path, content))


def test_an_unclear_form_is_refused_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage) as refused:
        read_labels(_file(tmp_path, b"cat, dog"))
    assert "'red fox' or '0: red fox'" in str(refused.value.hint)


def test_commas_within_labels_are_kept(tmp_path: Path) -> None:
    text = "n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\n"
    (tmp_path / "labels.txt").write_text(text)
    assert read_labels(tmp_path / "labels.txt") == text.splitlines()
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(WrongUsage, match="a table without a heading"):
        read_labels(tmp_path / "labels.csv")


@pytest.mark.parametrize("label", ["[unknown]", "- dash", "names", "12: noon", "<5 kg"])
def test_a_label_may_look_odd_where_the_others_do_not(tmp_path: Path, label: str) -> None:
    assert read_labels(_file(tmp_path, f"cat\n{label}\n".encode())) == ["cat", label]


@pytest.mark.parametrize("content", [b"5 kg\n10 kg\n20 kg\n", b"person\n", b"crane (bird)\ncrane (machine)\n"])
def test_numbers_that_belong_to_labels_are_kept(tmp_path: Path, content: bytes) -> None:
    assert read_labels(_file(tmp_path, content)) == content.decode().splitlines()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="cannot be read: No such file"):
        read_labels(tmp_path / "nope.txt")
