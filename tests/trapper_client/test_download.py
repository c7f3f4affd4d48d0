import hashlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.weights_servers import WeightsServer, serving_weights
from trapper_client.download import MOST_REDIRECTS, download, probe
from trapper_client.errors import Failure, Unreachable

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with serving_weights() as served:
        served.files["/a.onnx"] = CONTENT
        yield served


def test_a_file_arrives_whole_under_its_hash(server: WeightsServer, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    fetched = download(
        f"{server.url}/a.onnx",
        tmp_path / "new",
        at_most=len(CONTENT),
        sha256=SHA256,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert (fetched.path, fetched.sha256, fetched.size_bytes) == (tmp_path / "new" / SHA256, SHA256, len(CONTENT))
    assert fetched.path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert list((tmp_path / "new").iterdir()) == [fetched.path]


def test_another_hash_is_refused_and_nothing_stays(server: WeightsServer, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=f"sha256 {SHA256}; {'0' * 64} was expected"):
        download(f"{server.url}/a.onnx", tmp_path, at_most=10**9, sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("says_length", [True, False])
def test_more_than_was_agreed_to_is_refused_whatever_the_server_says(
    server: WeightsServer, tmp_path: Path, says_length: bool
) -> None:
    server.says_length = says_length
    with pytest.raises(Failure, match=f"larger than the {len(CONTENT) - 1} bytes"):
        download(f"{server.url}/a.onnx", tmp_path, at_most=len(CONTENT) - 1)
    assert list(tmp_path.iterdir()) == []


def test_redirects_are_followed_but_not_for_ever(server: WeightsServer, tmp_path: Path) -> None:
    for step in range(MOST_REDIRECTS):
        server.leads_on[f"/{step}"] = f"/{step + 1}"
    server.leads_on[f"/{MOST_REDIRECTS - 1}"] = "/a.onnx"
    assert download(f"{server.url}/0", tmp_path, at_most=10**9).sha256 == SHA256
    server.leads_on["/more"] = "/0"
    with pytest.raises(Unreachable, match=f"more than {MOST_REDIRECTS} times"):
        probe(f"{server.url}/more")


def test_a_redirect_to_another_scheme_is_refused(server: WeightsServer, tmp_path: Path) -> None:
    server.leads_on["/b"] = "ftp://127.0.0.1/a.onnx"
    with pytest.raises(Unreachable, match="ftp"):
        download(f"{server.url}/b", tmp_path, at_most=10**9)


@pytest.mark.parametrize("refuses_head", [False, True])
def test_a_probe_tells_the_size_without_fetching_the_file(server: WeightsServer, refuses_head: bool) -> None:
    server.refuses_head = refuses_head
    assert probe(f"{server.url}/a.onnx") == len(CONTENT)


def test_a_missing_file_is_one_sentence(server: WeightsServer, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="answered with 404"):
        probe(f"{server.url}/gone")
    with pytest.raises(Unreachable, match="answered with 404"):
        download(f"{server.url}/gone", tmp_path, at_most=10)


def test_a_silent_server_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(Unreachable):
            probe(f"http://127.0.0.1:{silent.getsockname()[1]}/a", seconds=0.3)
        assert time.monotonic() - began < 20  # without a limit it would hang


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a", "nothing", "http://[/a", "file:///etc/passwd", "http:///a"])
def test_an_address_where_nothing_can_be_is_one_sentence(url: str) -> None:
    with pytest.raises(Unreachable):
        probe(url)
