"""Uploads what is not there yet: files are announced by their hash, bytes go out on a few connections."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from trapper_cli.runs.background import Activity, Background, Unanswered
from trapper_cli.runs.names import as_text
from trapper_cli.runs.scan import FileFailure, PhotoFile
from trapper_cli.runs.workspace import Workspace
from trapper_client.client import PACK_FILES, PACKED_FILE_BYTES, UPLOADS_PER_CALL, TrapperClient
from trapper_client.contract import AnnouncedFile, NewUploads, PackedFileReply, UploadReply
from trapper_client.errors import ApiProblem, sentence
from trapper_schemas.problem import ProblemBody

CONNECTIONS = 4
_WHOLE_BYTES = 16 << 20
_CHUNK = 1 << 20
_OF_THE_FILE = {400, 409, 410, 413, 422}
"""Refusals that concern one file; a full disk or a missing right concerns all of them."""


_PACK_BYTES = 8 << 20
_FIRST_FILES = 64
"""Files of the first announcement: few, so that the AI begins while the others are still uploaded."""
_CHANGED = "The file changed while it was read."


class FileChanged(Exception):  # noqa: N818 - named after what is the case
    """The file is not what it was when it was hashed."""


@dataclass(frozen=True)
class FileToSend:
    """A photo with the hash by which it is known, and its deployment."""

    photo: PhotoFile
    sha256: str
    deployment_id: str


Pack = list[tuple[FileToSend, str]]
"""Files that are sent as one body, each with the id of its upload."""


@dataclass
class Sent:
    """The resource of each hash, how many files were uploaded, and the files that failed, by their relative path."""

    resources: dict[str, str] = field(default_factory=dict[str, str])
    uploaded: int = 0
    failures: dict[str, FileFailure] = field(default_factory=dict[str, FileFailure])


class Sender:
    """Uploads one folder's photos; `on_file` is called after each file, `on_chunk` while there are more to send.

    A file whose drive does not answer for `give_up_seconds` is a failure, and the rest goes on.
    """

    def __init__(
        self,
        expert: TrapperClient,
        workspace: Workspace,
        *,
        on_file: Callable[[], None],
        on_chunk: Callable[[], None],
        warn: Callable[[str], None],
        give_up_seconds: float | None = None,
    ) -> None:
        self._expert = expert
        self._workspace = workspace
        self._on_file = on_file
        self._on_chunk = on_chunk
        self._background = Background(self._send, threads=CONNECTIONS, warn=warn, give_up_seconds=give_up_seconds)
        self._lock = threading.Lock()
        self.sent = Sent()

    def send(self, files: Sequence[FileToSend]) -> Sent:
        """All files; of several with the same bytes one is uploaded, and each is known under its own path."""
        first, again = _first_of_each(files)
        for batch in (first, again):
            for chunk in _chunked(batch):
                self._send_packs(_packs(self._announce(chunk)))
                if chunk[-1] is not batch[-1]:
                    self._on_chunk()
        return self.sent

    def _send_packs(self, packs: Sequence[Pack]) -> None:
        while packs:
            rest: list[Pack] = []
            for pack, result in self._background.run(packs):
                left = self._without_unread(pack, result) if isinstance(result, Unanswered) else []
                for _ in range(len(pack) - len(left)):
                    self._on_file()
                if left:
                    rest.append(left)
            packs = rest

    def _without_unread(self, pack: Pack, result: Unanswered) -> Pack:
        """What is left of a pack to be sent again, without the file whose drive does not answer."""
        unread = [file for file, _ in pack if str(file.photo.path) == result.label] or [file for file, _ in pack]
        for file in unread:
            self._fail(file, result.reason, is_unread=True)
        return [(file, upload_id) for file, upload_id in pack if file not in unread]

    def _announce(self, chunk: Sequence[FileToSend]) -> list[tuple[FileToSend, str]]:
        """The files to upload, each with its upload's id; where some are refused by name, the others are sent again."""
        waiting = list(chunk)
        while waiting:
            try:
                request = NewUploads(
                    research_project_id=self._workspace.research_project_id,
                    collection_id=self._workspace.collection_id,
                    items=[_announced(file) for file in waiting],
                )
                replies = self._expert.begin_uploads(request)
            except ApiProblem as problem:
                refused = _refused_items(problem)
                if not refused:
                    raise
                for position, reason in refused.items():
                    self._fail(waiting[position], reason)
                    self._on_file()
                waiting = [file for position, file in enumerate(waiting) if position not in refused]
            else:
                return self._to_upload(waiting, replies)
        return []

    def _to_upload(self, files: Sequence[FileToSend], replies: Sequence[UploadReply]) -> list[tuple[FileToSend, str]]:
        uploads: list[tuple[FileToSend, str]] = []
        for file, reply in zip(files, replies, strict=True):
            if reply.resource_id is None:
                uploads.append((file, reply.upload_id or ""))
            else:
                self.sent.resources[file.sha256] = reply.resource_id
                self._on_file()
        return uploads

    def _send(self, pack: Pack, activity: Activity) -> None:
        if len(pack) == 1:
            self._send_alone(*pack[0], activity)
            return
        contents = [
            (file, upload_id, content)
            for file, upload_id in pack
            if (content := self._read(file, activity)) is not None
        ]
        if activity.is_abandoned or not contents:
            return
        replies = self._expert.upload_pack([(upload_id, content) for _, upload_id, content in contents])
        for (file, _, _), reply in zip(contents, replies, strict=True):
            if reply.resource_id is None:
                self._fail(file, _refusal(reply))
            else:
                self._note(file, reply.resource_id)

    def _read(self, file: FileToSend, activity: Activity) -> bytes | None:
        """The content of a small file; None when it failed."""
        try:
            content = _content(file.photo, activity)
        except OSError as problem:
            self._fail_reading(file, f"The file cannot be read: {problem.strerror}.", activity)
        except FileChanged:
            self._fail_reading(file, _CHANGED, activity)
        else:
            return content if isinstance(content, bytes) else b"".join(content)
        return None

    def _send_alone(self, file: FileToSend, upload_id: str, activity: Activity) -> None:
        try:
            resource_id = self._expert.upload(upload_id, lambda: _content(file.photo, activity), file.photo.size)
        except OSError as problem:
            self._fail_reading(file, f"The file cannot be read: {problem.strerror}.", activity)
        except FileChanged:
            self._fail_reading(file, _CHANGED, activity)
        except ApiProblem as problem:
            if problem.status not in _OF_THE_FILE:
                raise
            if not activity.is_abandoned:
                self._fail(file, problem.message)
        else:
            if not activity.is_abandoned:
                self._note(file, resource_id)

    def _note(self, file: FileToSend, resource_id: str) -> None:
        with self._lock:
            self.sent.resources[file.sha256] = resource_id
            self.sent.uploaded += 1

    def _fail_reading(self, file: FileToSend, reason: str, activity: Activity) -> None:
        """A read that was given up has its failure already, whatever it ends with later."""
        if not activity.is_abandoned:
            self._fail(file, reason, is_unread=True)

    def _fail(self, file: FileToSend, reason: str, *, is_unread: bool = False) -> None:
        relative = file.photo.relative
        with self._lock:
            self.sent.failures[relative] = FileFailure(relative, reason, is_unread=is_unread)


def _chunked(files: Sequence[FileToSend]) -> Iterator[Sequence[FileToSend]]:
    start, size = 0, _FIRST_FILES
    while start < len(files):
        yield files[start : start + size]
        start, size = start + size, UPLOADS_PER_CALL


def _packs(uploads: Iterable[tuple[FileToSend, str]]) -> list[Pack]:
    """Small files together, larger ones alone."""
    packs: list[Pack] = []
    open_pack: Pack = []
    size = 0
    for file, upload_id in uploads:
        if file.photo.size > PACKED_FILE_BYTES:
            packs.append([(file, upload_id)])
            continue
        if len(open_pack) == PACK_FILES or size + file.photo.size > _PACK_BYTES:
            packs.append(open_pack)
            open_pack, size = [], 0
        open_pack.append((file, upload_id))
        size += file.photo.size
    return [*packs, open_pack] if open_pack else packs


def _first_of_each(files: Iterable[FileToSend]) -> tuple[list[FileToSend], list[FileToSend]]:
    first: dict[str, FileToSend] = {}
    again: list[FileToSend] = []
    for file in files:
        if file.sha256 in first:
            again.append(file)
        else:
            first[file.sha256] = file
    return list(first.values()), again


def _announced(file: FileToSend) -> AnnouncedFile:
    """Not checked here: the service refuses a file by name, and the others are sent."""
    relative = as_text(file.photo.relative)
    return AnnouncedFile.model_construct(
        name=relative.rpartition("/")[2],
        path=relative,
        size_bytes=file.photo.size,
        sha256=file.sha256,
        deployment_id=file.deployment_id,
    )


def _refused_items(problem: ApiProblem) -> Mapping[int, str]:
    """The reason of each refused item of an announcement, by its position."""
    refused: dict[int, str] = {}
    for error in problem.body.errors or []:
        match error.loc:
            case ["body", "items", int(position), *rest]:
                refused[position] = f"Refused: {'.'.join(map(str, rest))}: {error.message}."
            case _:
                pass
    return refused


def _refusal(reply: PackedFileReply) -> str:
    if reply.problem is None:
        return "The service neither kept nor refused the file."
    return sentence(ProblemBody.model_validate(reply.problem.model_dump()))


def _content(photo: PhotoFile, activity: Activity) -> bytes | Iterator[bytes]:
    """Exactly as many bytes as were announced; a photo in one piece, a large file in chunks."""
    if photo.size > _WHOLE_BYTES:
        return _chunks(photo, activity)
    with _reading(photo, activity):
        content = photo.path.read_bytes()
    if len(content) != photo.size:
        raise FileChanged
    return content


def _chunks(photo: PhotoFile, activity: Activity) -> Iterator[bytes]:
    left = photo.size
    with _reading(photo, activity):
        file = photo.path.open("rb")
    with file:
        while True:
            with _reading(photo, activity):
                chunk = file.read(_CHUNK)
            if not chunk:
                break
            left -= len(chunk)
            if left < 0:
                raise FileChanged
            yield chunk
    if left:
        raise FileChanged


@contextmanager
def _reading(photo: PhotoFile, activity: Activity) -> Generator[None]:
    """Names the file while the drive is waited for; between two reads the service is."""
    activity.at(str(photo.path))
    yield
    activity.at("")
