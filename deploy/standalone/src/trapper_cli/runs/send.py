"""Sends what is not there yet: files are announced by their hash, bytes go out on a few connections."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from trapper_cli.runs.names import as_text
from trapper_cli.runs.progress import Counter
from trapper_cli.runs.scan import FileFailure, PhotoFile
from trapper_cli.runs.workspace import Workspace
from trapper_client.client import UPLOADS_PER_CALL, TrapperClient
from trapper_client.errors import ApiProblem
from trapper_client.replies import UploadItem

CONNECTIONS = 4
_WHOLE_BYTES = 16 << 20
_CHUNK = 1 << 20
_OF_THE_FILE = {400, 409, 410, 413, 422}
"""Refusals that concern one file; a full disk or a closed door concerns all of them."""


class _FileChanged(Exception):  # noqa: N818 - named after what is the case
    """The file is not what it was when it was hashed."""


@dataclass(frozen=True)
class Announced:
    """A photo with the hash by which it is known."""

    photo: PhotoFile
    sha256: str
    deployment_id: str


@dataclass
class Sent:
    """Which resource each hash is, how many bytes of files went out, and which files were refused."""

    resources: dict[str, str] = field(default_factory=dict[str, str])
    uploaded: int = 0
    failures: dict[str, str] = field(default_factory=dict[str, str])


class Sender:
    """One folder's photos on their way; `counter` moves with every file that is there."""

    def __init__(self, expert: TrapperClient, workspace: Workspace, counter: Counter) -> None:
        self._expert = expert
        self._workspace = workspace
        self._counter = counter
        self._lock = threading.Lock()
        self.sent = Sent()

    def send(self, files: Sequence[Announced]) -> Sent:
        """All files; of several with the same bytes one is sent, and each is known under its own path."""
        first, again = _first_of_each(files)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for batch in (first, again):
                for start in range(0, len(batch), UPLOADS_PER_CALL):
                    chunk = batch[start : start + UPLOADS_PER_CALL]
                    wanted = zip(chunk, self._announce(chunk), strict=True)
                    list(pool.map(lambda pair: self._one(*pair), wanted))
        return self.sent

    def _announce(self, chunk: Sequence[Announced]) -> list[UploadItem | None]:
        """What became of each; where some items are refused by name, the others are announced again."""
        waiting = list(range(len(chunk)))
        answers: list[UploadItem | None] = [None] * len(chunk)
        while waiting:
            try:
                told = self._expert.begin_uploads(
                    research_project_id=self._workspace.research_project_id,
                    collection_id=self._workspace.collection_id,
                    items=[_item(chunk[index]) for index in waiting],
                )
            except ApiProblem as problem:
                refused = _refused_items(problem)
                if not refused:
                    raise
                for position, reason in refused.items():
                    self._fail(chunk[waiting[position]], reason)
                waiting = [index for position, index in enumerate(waiting) if position not in refused]
                continue
            for index, item in zip(waiting, told, strict=True):
                answers[index] = item
            break
        return answers

    def _one(self, file: Announced, item: UploadItem | None) -> None:
        if item is None:
            return
        resource_id = item.resource_id
        try:
            if resource_id is None:
                resource_id = self._upload(file, item.upload_id or "")
        except OSError as problem:
            self._fail(file, f"The file cannot be read: {problem.strerror}.")
        except _FileChanged:
            self._fail(file, "The file changed while it was read.")
        except ApiProblem as problem:
            if problem.status not in _OF_THE_FILE:
                raise
            self._fail(file, problem.message)
        else:
            with self._lock:
                self.sent.resources[file.sha256] = resource_id
                self._counter.step()

    def _upload(self, file: Announced, upload_id: str) -> str:
        photo = file.photo
        resource_id = self._expert.upload(upload_id, lambda: _content(photo), photo.size)
        with self._lock:
            self.sent.uploaded += 1
        return resource_id

    def _fail(self, file: Announced, reason: str) -> None:
        with self._lock:
            self.sent.failures[file.photo.relative] = reason
            self._counter.step()


def failures_of(sent: Sent) -> list[FileFailure]:
    """The files that were refused."""
    return [FileFailure(relative, reason) for relative, reason in sorted(sent.failures.items())]


def _first_of_each(files: Iterable[Announced]) -> tuple[list[Announced], list[Announced]]:
    first: dict[str, Announced] = {}
    again: list[Announced] = []
    for file in files:
        if file.sha256 in first:
            again.append(file)
        else:
            first[file.sha256] = file
    return list(first.values()), again


def _item(file: Announced) -> dict[str, Any]:
    relative = as_text(file.photo.relative)
    return {
        "name": relative.rpartition("/")[2],
        "path": relative,
        "size_bytes": file.photo.size,
        "sha256": file.sha256,
        "deployment_id": file.deployment_id,
    }


def _refused_items(problem: ApiProblem) -> Mapping[int, str]:
    """Which items of an announcement were refused, by their position, and why."""
    refused: dict[int, str] = {}
    for error in problem.body.errors or []:
        match error.loc:
            case ["body", "items", int(position), *rest]:
                refused[position] = f"Refused: {'.'.join(map(str, rest))}: {error.message}."
            case _:
                pass
    return refused


def _content(photo: PhotoFile) -> bytes | Iterator[bytes]:
    """Exactly as many bytes as were announced; a photo in one piece, a giant in chunks."""
    if photo.size > _WHOLE_BYTES:
        return _chunks(photo)
    content = photo.path.read_bytes()
    if len(content) != photo.size:
        raise _FileChanged
    return content


def _chunks(photo: PhotoFile) -> Iterator[bytes]:
    left = photo.size
    with photo.path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise _FileChanged
            yield chunk
    if left:
        raise _FileChanged
