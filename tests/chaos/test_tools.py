"""The tools of the storms do what they are said to do."""

import errno
import os
from pathlib import Path

import pytest

from expert.resources.read_picture import PictureFacts, read_picture
from expert.resources.sniff import HEAD_BYTES, sniff
from tests.support.chaos_disk import full_while
from tests.support.chaos_http import Requests, call_of
from tests.support.chaos_pictures import Fate, no_picture, picture
from trapper_schemas.ids import uuid7


@pytest.mark.parametrize("number", range(3))
def test_what_is_no_picture_is_none_for_the_expert_either(number: int) -> None:
    one = no_picture(number)
    assert one.fate is Fate.UNREADABLE
    refused = sniff(one.content[:HEAD_BYTES])
    if refused is None:
        assert not isinstance(read_picture(one.content, max_pixels=10**8, thumbnail_pixels=320), PictureFacts)


@pytest.mark.parametrize("fate", [Fate.SEEN, Fate.DEADLY, Fate.TOO_LARGE])
def test_what_is_a_picture_is_one_and_no_two_are_the_same(fate: Fate) -> None:
    one, other = picture(1, fate), picture(1, fate)
    assert one.sha256 != other.sha256
    assert isinstance(read_picture(one.content, max_pixels=10**8, thumbnail_pixels=320), PictureFacts)


def test_requests_are_told_apart_by_what_they_do() -> None:
    head = f"POST /api/resource_batches/{uuid7()}/save_results/?a=1 HTTP/1.1\r\nContent-Length: 3\r\n\r\n".encode()
    stream = Requests()
    assert stream.feed(head) == []
    (whole,) = stream.feed(b"abcGET /api/models/" + b"a" * 64 + b"/weights HT")
    assert call_of(whole) == "POST /api/resource_batches/{id}/save_results/"
    (other,) = stream.feed(b"TP/1.1\r\n\r\n")
    assert call_of(other) == "GET /api/models/{id}/weights"


def test_a_spool_without_a_disk_of_its_own_is_full_while_somebody_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", os.fsync)  # and back again afterwards
    flag, spool = tmp_path / "full", tmp_path / "spool"
    spool.mkdir()
    full_while(flag)
    with (spool / "blob.part").open("wb") as result, (tmp_path / "other").open("wb") as other:
        os.fsync(result.fileno())
        flag.touch()
        os.fsync(other.fileno())
        with pytest.raises(OSError, match="No space left") as refused:
            os.fsync(result.fileno())
    assert refused.value.errno == errno.ENOSPC
