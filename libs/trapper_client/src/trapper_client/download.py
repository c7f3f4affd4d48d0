"""Downloads a file from a public address: few redirects, never to a weaker scheme, never more than a limit."""

import hashlib
import queue
import tempfile
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from trapper_client.connection import failure_reason, open_client
from trapper_client.errors import Failure, Unreachable

PROBE_SECONDS = 2.0
MOST_REDIRECTS = 5
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_CHUNK = 1 << 18

OnProgress = Callable[[int, int | None], None]
"""Called with how many bytes have arrived, and of how many when that is known."""
_NO_HEAD = {403, 405, 501}


@dataclass(frozen=True)
class Downloaded:
    """A file that arrived whole."""

    path: Path
    sha256: str
    size_bytes: int


def probe(url: str, *, seconds: float = PROBE_SECONDS) -> int | None:
    """The size of the file at this address, None when it does not say; Unreachable when nothing answers."""
    answers: queue.Queue[int | Failure | None] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(_announced(url, seconds))
        except Failure as failure:
            answers.put(failure)

    # Looking up a name obeys no time limit of the HTTP library; a thread can be left behind.
    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise Unreachable(f"{_host(url)} does not answer within {seconds:g} s.") from None
    if isinstance(answer, Failure):
        raise answer
    return answer


def download(
    url: str,
    folder: Path,
    *,
    at_most: int,
    sha256: str | None = None,
    on_progress: OnProgress | None = None,
) -> Downloaded:
    """The file, stored in the folder under its hash; refused as a whole when it is too large or has another hash."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part", delete=False)  # noqa: SIM115 - closed below
    fresh = Path(part.name)
    try:
        with part, _answer("GET", url, _TIMEOUT) as answer:
            digest, size = _receive(answer, part.write, url, at_most, on_progress)
        if sha256 is not None and digest != sha256:
            raise Failure(
                f"What {_host(url)} sent has the sha256 {digest}; {sha256} was expected, so it was discarded."
            )
        kept = folder / digest
        fresh.replace(kept)
    finally:
        fresh.unlink(missing_ok=True)
    return Downloaded(kept, digest, size)


def _receive(
    answer: httpx.Response,
    write: Callable[[bytes], int],
    url: str,
    at_most: int,
    on_progress: OnProgress | None,
) -> tuple[str, int]:
    total = _length(answer)
    if total is not None and total > at_most:
        raise _too_large(url, at_most)
    digest, size = hashlib.sha256(), 0
    try:
        for chunk in answer.iter_raw(_CHUNK):
            size += len(chunk)
            if size > at_most:
                raise _too_large(url, at_most)
            digest.update(chunk)
            write(chunk)
            if on_progress is not None:
                on_progress(size, total)
    except httpx.TransportError as problem:
        raise Unreachable(f"{_host(url)} broke off the download: {failure_reason(problem, url)}.") from problem
    if total is not None and size != total:
        raise Unreachable(f"{_host(url)} sent {size} bytes of {total}.")
    return digest.hexdigest(), size


def _announced(url: str, seconds: float) -> int | None:
    timeout = httpx.Timeout(seconds)
    with _answer("HEAD", url, timeout, allowed=_NO_HEAD) as answer:
        if answer.is_success:
            return _length(answer)
    with _answer("GET", url, timeout) as answer:
        return _length(answer)


@contextmanager
def _answer(
    method: str, url: str, timeout: httpx.Timeout, *, allowed: set[int] | None = None
) -> Generator[httpx.Response]:
    """The final answer, its body unread; raises Unreachable for whatever is not the file."""
    try:
        # Bytes come as they are (identity), so that their hash is that of the file.
        with open_client(url, timeout=timeout) as http:
            answer = _follow(http, http.build_request(method, url, headers={"Accept-Encoding": "identity"}))
            try:
                if not answer.is_success and answer.status_code not in (allowed or ()):
                    raise Unreachable(f"{_host(url)} answered with {answer.status_code}.")
                yield answer
            finally:
                answer.close()
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as problem:
        raise Unreachable(f"{_host(url)} cannot be reached: {failure_reason(problem, url)}.") from problem


def _follow(http: httpx.Client, request: httpx.Request) -> httpx.Response:
    schemes = {"https", request.url.scheme}
    for _ in range(MOST_REDIRECTS + 1):
        answer = http.send(request, stream=True)
        if answer.next_request is None:
            return answer
        answer.close()
        request = answer.next_request
        if request.url.scheme not in schemes:
            raise Unreachable(
                f"{answer.url.host} redirects to {request.url.scheme}, which is not encrypted; nothing was downloaded."
            )
    raise Unreachable(f"{request.url.host} redirects more than {MOST_REDIRECTS} times.")


def _length(answer: httpx.Response) -> int | None:
    text = answer.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _too_large(url: str, at_most: int) -> Failure:
    return Failure(f"What {_host(url)} sends is larger than the {at_most} bytes that were expected.")


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or url[:100]
    except ValueError:
        return url[:100]
