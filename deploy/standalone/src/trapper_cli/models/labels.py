"""Reads a label file: one label per line in class order, or any common form that says which label has which index."""

import ast
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from trapper_client.errors import WrongUsage

_LARGEST_BYTES = 5_000_000
_LONGEST_LABEL = 200
_EXAMPLE = "Give one label per line in class order, with or without its index, such as 'red fox' or '0: red fox'."
_INDEX_FIRST = re.compile(r"""['"]?(?P<index>\d+)['"]?\s*(?:[:;,.)=\t]|->|\s)\s*(?P<label>\S.*)""")
_INDEX_LAST = re.compile(r"""(?P<label>\S.*?)\s*[:;,=\t]\s*['"]?(?P<index>\d+)['"]?""")
_ASSIGNED = re.compile(r"^\s*(?:names|labels|classes)\s*[:=]\s*(?=[\[{(])")
_INDEX_WORDS = frozenset({"id", "index", "idx", "class_id", "class_index", "label_id", "nr", "no", "number", "#"})
_LABEL_WORDS = frozenset(
    {"label", "labels", "name", "names", "class", "classes", "class_name", "category", "categories"}
)
_COLUMNS = re.compile(r"[,;\t]")
_TABLE_ENDINGS = frozenset({".csv", ".tsv"})
_FEWEST_ON_A_LINE = 3
"""Fewer may be one label with a comma in it, as in 'tench, Tinca tinca'."""


def read_labels(path: Path) -> list[str]:
    """The labels in class order; WrongUsage names the line and gives an example where the form leaves them unclear."""
    text = _text(path).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise WrongUsage(f"{path} holds no label.", hint=_EXAMPLE)
    literal = _from_literal(path, text)
    labels = literal if literal is not None else _from_lines(path, text)
    seen: dict[str, int] = {}
    for number, label in enumerate(labels, start=1):
        _check(path, number, label)
        if label in seen:
            raise WrongUsage(
                f"{path}: {label!r} is label {number} and label {seen[label]}.",
                hint="Where two classes have one name, tell them apart, as in 'crane (bird)' and 'crane (machine)'.",
            )
        seen[label] = number
    return labels


def _text(path: Path) -> str:
    try:
        content = path.read_bytes() if path.stat().st_size <= _LARGEST_BYTES else None
    except OSError as problem:
        raise WrongUsage(f"{path} cannot be read: {problem.strerror}.") from problem
    if content is None:
        raise WrongUsage(f"{path} is larger than {_LARGEST_BYTES} bytes: is it a list of labels?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise WrongUsage(f"{path} is not UTF-8 (byte {problem.start}).", hint="Save it as UTF-8.") from problem


def _from_literal(path: Path, text: str) -> list[str] | None:
    """The labels of a JSON or Python list, or of a dictionary from index to label or from label to index."""
    value = _literal(_ASSIGNED.sub("", text).strip())
    if value is None:
        return None
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in cast("Sequence[object]", value)):
        return [str(label).strip() for label in cast("Sequence[str]", value)]
    if isinstance(value, dict):
        pairs = list(cast("dict[object, object]", value).items())
        for index_of, label_of in ((0, 1), (1, 0)):
            if all(isinstance(pair[label_of], str) and _is_index(pair[index_of]) for pair in pairs):
                return _in_order(path, [(int(str(pair[index_of])), str(pair[label_of]).strip()) for pair in pairs])
    raise WrongUsage(f"{path} holds neither a list of labels nor a dictionary of indices and labels.", hint=_EXAMPLE)


def _literal(text: str) -> object | None:
    """The list or dictionary that the text is; None when it is none."""
    if not text.startswith(("[", "{", "(")) or not text.endswith(("]", "}", ")")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            value = cast("object", read(text))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        return value if isinstance(value, list | tuple | dict) else None
    return None


def _is_index(value: object) -> bool:
    return not isinstance(value, bool) and re.fullmatch(r"\d{1,6}", str(value)) is not None


def _from_lines(path: Path, text: str) -> list[str]:
    lines = [line.strip() for line in text.rstrip().split("\n")]
    while lines and (not lines[0] or lines[0].startswith("# ")):
        lines.pop(0)
    _refuse_unknown_forms(path, lines)
    if len(lines) == 1:
        lines = _split_line(path, lines[0])
    table = _from_table(path, lines)
    if table is not None:
        return table
    if _is_heading(lines):
        lines = lines[1:]
    if len(lines) > 1 and all(line.startswith("- ") for line in lines):
        lines = [line[2:].strip() for line in lines]
    indexed = _with_indices(path, lines)
    if indexed is not None:
        return indexed
    if path.suffix.lower() in _TABLE_ENDINGS and any(_COLUMNS.search(line) for line in lines):
        raise WrongUsage(f"{path} is a table without a heading: which column holds the labels?", hint=_EXAMPLE)
    return _unquoted(lines)


def _refuse_unknown_forms(path: Path, lines: Sequence[str]) -> None:
    form = None
    if lines[0].startswith("<"):
        form = "XML"
    elif re.match(r"item\s*\{", lines[0]):
        form = "a label map of TensorFlow"
    elif "names:" in lines[1:]:
        form = "YAML with other settings in it"
    elif lines[0] in ("[", "{"):
        form = "JSON, but cannot be read as such"
    if form is not None:
        raise WrongUsage(f"{path} looks like {form}.", hint=_EXAMPLE)


def _split_line(path: Path, line: str) -> list[str]:
    """The labels of a file with a single line; a label of its own when nothing separates several."""
    for separator in ("\t", ";", ","):
        parts = [part.strip() for part in line.split(separator)]
        has_index = _INDEX_FIRST.fullmatch(line) or _INDEX_LAST.fullmatch(line)
        if len(parts) == 1 or (has_index and len(parts) < _FEWEST_ON_A_LINE):
            continue
        if separator != "," or len(parts) >= _FEWEST_ON_A_LINE:
            return [part for part in parts if part]
        raise WrongUsage(f"{path}: is {line[:80]!r} one label or {len(parts)}?", hint=_EXAMPLE)
    return [line]


def _from_table(path: Path, lines: Sequence[str]) -> list[str] | None:
    """The column of labels of a table whose heading names it."""
    separator = next((each for each in ("\t", ";", ",") if each in lines[0]), None)
    if separator is None or len(lines) == 1:
        return None
    heading = [cell.strip().strip("\"'").casefold() for cell in lines[0].split(separator)]
    columns = [place for place, cell in enumerate(heading) if cell in _LABEL_WORDS]
    indices = [place for place, cell in enumerate(heading) if cell in _INDEX_WORDS]
    if len(columns) != 1 or len(indices) > 1:
        return None
    labels: list[tuple[int, str]] = []
    for number, line in enumerate(lines[1:], start=2):
        cells = [cell.strip().strip("\"'") for cell in line.split(separator)]
        if len(cells) != len(heading) or (indices and not _is_index(cells[indices[0]])):
            raise WrongUsage(
                f"{path}, line {number}: expected {len(heading)} columns as in the heading.", hint=_EXAMPLE
            )
        labels.append((int(cells[indices[0]]) if indices else number - 2, cells[columns[0]]))
    return _in_order(path, labels)


def _is_heading(lines: Sequence[str]) -> bool:
    word = lines[0].rstrip(":").strip("\"'").casefold()
    return len(lines) > 1 and word in _LABEL_WORDS


def _with_indices(path: Path, lines: Sequence[str]) -> list[str] | None:
    """The labels in the order of the indices beside them; None where the lines have none."""
    best: list[re.Match[str] | None] = []
    for form in (_INDEX_FIRST, _INDEX_LAST):
        matches = [form.fullmatch(line) for line in lines]
        if sum(map(bool, matches)) > sum(map(bool, best)):
            best = matches
    indexed = [match for match in best if match is not None]
    if len(indexed) * 2 <= len(lines):
        return None
    pairs = [(int(match["index"]), match["label"].strip().strip("\"'")) for match in indexed]
    if len(indexed) == len(lines):
        if not _is_complete(pairs) and _only_spaces(indexed):
            return None
        return _in_order(path, pairs)
    number = next(number for number, match in enumerate(best, start=1) if match is None)
    if _is_complete(pairs):
        raise WrongUsage(f"{path}, line {number} has no index, and the other lines have.", hint=_EXAMPLE)
    return None


def _only_spaces(matches: Sequence[re.Match[str]]) -> bool:
    """Whether only a space stands behind the numbers, so that they may belong to the labels."""
    return all(re.match(r"\d+ ", match[0]) for match in matches)


def _is_complete(pairs: Sequence[tuple[int, str]]) -> bool:
    indices = sorted(index for index, _ in pairs)
    return indices in (list(range(len(pairs))), list(range(1, len(pairs) + 1)))


def _in_order(path: Path, pairs: Sequence[tuple[int, str]]) -> list[str]:
    if not _is_complete(pairs):
        indices = sorted(index for index, _ in pairs)
        odd = next((index for place, index in enumerate(indices) if index - indices[0] != place), indices[0])
        raise WrongUsage(
            f"{path}: {len(pairs)} labels have the indices {indices[0]} to {indices[-1]}, and {odd} is out of place.",
            hint=f"Indices begin with 0 or 1, and each occurs once. {_EXAMPLE}",
        )
    return [label for _, label in sorted(pairs)]


def _unquoted(lines: Sequence[str]) -> list[str]:
    quoted: Callable[[str], bool] = lambda line: len(line) > 1 and line[0] == line[-1] and line[0] in "\"'"  # noqa: E731
    return [line[1:-1].strip() for line in lines] if all(map(quoted, lines)) else list(lines)


def _check(path: Path, number: int, label: str) -> None:
    if not label:
        raise WrongUsage(f"{path}: label {number} is blank; every index of the model's output has a label.")
    if "\x00" in label:
        raise WrongUsage(f"{path}: label {number} holds a NUL: is it a text file?")
    if len(label) > _LONGEST_LABEL:
        raise WrongUsage(f"{path}: label {number} is longer than {_LONGEST_LABEL} characters.")
