"""Checks the files that `--out` names before any work, so that no file of somebody else's is ever replaced."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from trapper_cli.runs.visits import folder_of
from trapper_cli.runs.write_csv import COLUMNS, guarded
from trapper_client.errors import WrongUsage
from trapper_client.output import tell

_ENDINGS = (".json", ".csv")


@dataclass(frozen=True)
class Output:
    """One file to write: `given` is how it was named, `target` where its bytes lie (a link stays a link)."""

    given: Path
    target: Path
    collection: str | None
    """The collection whose results the file has now, None when it has none."""

    @property
    def is_csv(self) -> bool:
        return self.given.suffix.lower() == ".csv"


class _ForeignFile(Exception):  # noqa: N818 - named after what is the case
    """The file was not written by `trapper run`."""


def check_outputs(paths: Sequence[Path], *, overwrite: bool) -> list[Output]:
    """The outputs; raises WrongUsage for an unknown ending, a missing folder, and a file that is not ours."""
    outputs: list[Output] = []
    for path in paths:
        option = f"--out {str(path)!r}"
        if path.suffix.lower() not in _ENDINGS:
            raise WrongUsage(f"{option}: the ending chooses the format, and it is one of .json, .csv.")
        if path.is_dir():
            raise WrongUsage(f"{option} is a folder.")
        try:
            target = path.resolve()
        except (OSError, RuntimeError):
            raise WrongUsage(f"{option} is a link that leads to itself.") from None
        if not target.parent.is_dir():
            raise WrongUsage(f"{option}: there is no folder {str(target.parent)!r}.")
        if target.exists() and not target.is_file():
            raise WrongUsage(f"{option} is neither a file nor absent.")
        try:
            outputs.append(
                Output(path.absolute(), target, None if overwrite else _collection_in(target, path.suffix.lower()))
            )
        except _ForeignFile:
            raise WrongUsage(
                f"{option}: the file there was not written by `trapper run`.",
                hint="Choose another name, or replace it with --overwrite.",
            ) from None
    return outputs


def check_collection(outputs: Sequence[Output], collection: str) -> None:
    """Raises WrongUsage where a file has the results of another folder; those of an earlier visit are replaced."""
    for output in outputs:
        if output.collection in {None, collection, guarded(collection)}:
            continue
        if folder_of(output.collection or "") not in {folder_of(collection), folder_of(str(guarded(collection)))}:
            raise WrongUsage(
                f"--out {str(output.given)!r} has the results of another folder: {output.collection}.",
                hint="Choose another name, or replace it with --overwrite.",
            )
        tell(f"--out {str(output.given)!r} has the results of another visit, and is replaced: {output.collection}.")


def _collection_in(target: Path, ending: str) -> str | None:
    try:
        if target.stat().st_size == 0:
            return None
    except FileNotFoundError:
        return None
    try:
        if ending == ".csv":
            with target.open(encoding="utf-8-sig", newline="") as file:
                return _collection_in_csv(file)
        return _collection_in_json(target.read_bytes())
    except OSError as problem:
        raise WrongUsage(f"--out {str(target)!r} cannot be read: {problem.strerror}.") from problem


def _collection_in_csv(file: IO[str]) -> str | None:
    try:
        rows = csv.reader(file)
        if tuple(next(rows, ())) != COLUMNS:
            raise _ForeignFile
        first = next(rows, None)
    except (csv.Error, UnicodeDecodeError):
        raise _ForeignFile from None
    return None if first is None else first[-1]


def _collection_in_json(content: bytes) -> str:
    try:
        collection = json.loads(content)["info"]["collection"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _ForeignFile from None
    if not isinstance(collection, str):
        raise _ForeignFile
    return collection
