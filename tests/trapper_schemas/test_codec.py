"""The blob's encoding: what goes in comes out, and nothing hostile gets past its limits."""

import tracemalloc
from contextlib import suppress
from typing import Any

import msgpack
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from trapper_schemas.codec import BlobRefused, Limits, decode, encode
from trapper_schemas.column import Column, ColumnMalformed, Planes, read_columns

HEAD: dict[str, Any] = {"schema": "test", "schema_version": 1}


def frame(content: bytes, **options: Any) -> bytes:
    """Any content as one zstd frame."""
    return zstandard.ZstdCompressor(**options).compress(content)


def packed(document: Any) -> bytes:
    """A map in MessagePack, in zstd."""
    content = msgpack.packb(document)
    assert content is not None
    return frame(content)


@given(st.lists(st.lists(st.integers(0, 65535), min_size=3, max_size=3)), st.sampled_from([1, 2, 3, 6]))
def test_columns_come_back_as_they_went_in_any_number_of_planes(rows: list[list[int]], planes: int) -> None:
    data = b"".join(value.to_bytes(2, "little") for row in rows for value in row)
    column = Column("<u2", (len(rows), 3), memoryview(data))
    single = Column("<u1", (1,), memoryview(b"x"))
    read = decode(encode(HEAD, {"numbers": Planes(column, planes), "single": Planes(single, 1)}))
    assert read_columns(read["columns"], read["data"]) == {"numbers": column, "single": single}


@given(st.binary(max_size=400))
def test_random_bytes_are_refused_and_never_crash(blob: bytes) -> None:
    with pytest.raises(BlobRefused):
        decode(blob)


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_damaged_blob_is_refused_or_still_a_map(position: int, value: int) -> None:
    blob = bytearray(encode({**HEAD, "data": b"0123456789" * 5}))
    blob[position % len(blob)] = value
    with suppress(BlobRefused):  # and nothing else
        assert isinstance(decode(bytes(blob)), dict)


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (b"", "not-zstd"),
        (b"PK\x03\x04zip", "not-zstd"),
        (encode(HEAD)[:5], "truncated"),
        (encode(HEAD)[:-1], "damaged"),
        (encode(HEAD) + b"x", "damaged"),
        (encode(HEAD) + encode(HEAD), "damaged"),
        (frame(b"", write_content_size=False) + b"", "no-content-size"),
        (packed({"other": 1}), "no-schema"),
        (packed([1, 2]), "no-schema"),
        (packed({"schema": "test", "schema_version": 1, 5: 1}), "key"),
        (frame(b"\x83" + b"\xa6schema\xa1x" + b"\xaeschema_version\x01" + b"\xa6schema\xa1y"), "key"),
        (packed({**HEAD, "x": msgpack.ExtType(1, b"x")}), "extension"),
        (packed({**HEAD, "x": msgpack.ExtType(1, b"")}), "extension"),
        (packed({**HEAD, "x": msgpack.Timestamp(1)}), "extension"),
        (frame(b"\x91" * 5000 + b"\xc0"), "depth"),
        (packed({**HEAD, "x": [[[[[[[[[1]]]]]]]]]}), "depth"),
        (frame(b"\xdd\xff\xff\xff\xff"), "damaged"),
        (frame(b"\xc1"), "damaged"),
    ],
)
def test_a_blob_that_breaks_a_rule_is_refused_with_its_reason(blob: bytes, reason: str) -> None:
    with pytest.raises(BlobRefused) as refused:
        decode(blob)
    assert refused.value.reason == reason


def test_many_small_lists_count_together() -> None:
    with pytest.raises(BlobRefused) as refused:
        decode(packed({**HEAD, "x": [[0] * 40] * 40}), limits=Limits(items=1000))
    assert refused.value.reason == "items"


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = frame(b"\0" * 300_000_000)
    assert len(bomb) < 100_000
    tracemalloc.start()
    with pytest.raises(BlobRefused) as refused:
        decode(bomb, limits=Limits(content_bytes=1_000_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.reason == "too-large"
    assert peak < 1_000_000


def test_a_frame_that_lies_about_its_size_cannot_fill_memory() -> None:
    honest = bytearray(frame(b"\0" * 10_000_000))
    # A single-segment frame of this size keeps its content size in four bytes behind magic number and descriptor.
    position = honest.index((10_000_000).to_bytes(4, "little"))
    honest[position : position + 4] = (1000).to_bytes(4, "little")
    with pytest.raises(BlobRefused) as refused:
        decode(bytes(honest))
    assert refused.value.reason == "damaged"


def test_a_blob_that_is_too_large_is_not_even_looked_at() -> None:
    with pytest.raises(BlobRefused) as refused:
        decode(b"x" * 100, limits=Limits(compressed_bytes=99))
    assert refused.value.reason == "too-large"


def test_too_wide_a_window_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=25, write_content_size=True)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj(size=40_000_000)
    blob = compressor.compress(b"\0" * 40_000_000) + compressor.flush()
    with pytest.raises(BlobRefused) as refused:
        decode(blob)
    assert refused.value.reason == "window"


def test_a_blob_without_its_schema_first_is_never_written() -> None:
    with pytest.raises(ValueError, match="begins with schema"):
        encode({"data": 1, **HEAD})


@pytest.mark.parametrize(
    ("entry", "data"),
    [
        (["<u2", [2], 1], b"123"),
        (["|O", [1], 1], b"12345678"),
        (["<u2", [-1], 1], b""),
        (["<u2", [], 1], b"12"),
        (["<u2", [True], 1], b"12"),
        (["<u2", [1], 1], "12"),
        (["<u2", [1, 1, 1, 1], 1], b"12"),
        (["<u2", [1]], b"12"),
        ({"dtype": "<u2", "shape": [1], "data": b"12"}, b"12"),
    ],
)
def test_a_column_whose_bytes_do_not_fit_is_malformed(entry: Any, data: Any) -> None:
    with pytest.raises(ColumnMalformed):
        read_columns({"box": entry}, data)
