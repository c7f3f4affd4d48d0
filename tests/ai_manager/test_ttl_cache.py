"""A cache of values that may be a moment old."""

import asyncio

import pytest

from ai_manager.ttl_cache import AsyncTTLCache


async def test_concurrent_readers_share_one_read_and_errors_are_not_cached() -> None:
    read: list[int] = []

    async def fail() -> int:
        read.append(0)
        raise ValueError("not yet")

    async def seven() -> int:
        read.append(1)
        await asyncio.sleep(0)
        return 7

    cache: AsyncTTLCache[str, int] = AsyncTTLCache(seconds=60, size=2)
    with pytest.raises(ValueError, match="not yet"):
        await cache.get("a", fail)
    assert await asyncio.gather(*(cache.get("a", seven) for _ in range(5))) == [7] * 5
    assert read == [0, 1]
    for other in ("b", "c"):
        await cache.get(other, seven)
    await cache.get("a", seven)
    assert read == [0, 1, 1, 1, 1]
