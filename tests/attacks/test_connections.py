"""Attacks with connections: half-sent requests, idle ones, slow bodies, readers that stop; others are still served."""

import asyncio
import resource
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from tests.support.http_servers import serving
from tests.trapper_kit.test_http_client import app as other_app
from trapper_kit.settings import ConnectionLimits, ServiceSettings
from trapper_kit.web.app import read_body
from trapper_kit.web.guards import public
from trapper_kit.web.serve import server_options

SHORT: dict[str, Any] = {"header_seconds": 0.4, "body_seconds": 0.4, "write_seconds": 0.4, "keep_alive_seconds": 1}
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def target() -> Any:
    router = APIRouter(prefix="/api/attacks", tags=["attacks"])

    @router.put("/upload/")
    @public
    async def upload(request: Request) -> int:
        return sum([len(chunk) async for chunk in read_body(request, at_most=10_000_000)])

    @router.get("/endless/")
    @public
    async def endless() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0)

        return StreamingResponse(chunks())

    @router.get("/address/")
    @public
    async def address(request: Request) -> str:
        return request.client.host if request.client else ""

    app = other_app()
    app.include_router(router)
    return app


@asynccontextmanager
async def attacked(trusted_proxies: tuple[str, ...] = (), **limits: Any) -> AsyncGenerator[tuple[str, int], None]:
    settings = ServiceSettings(
        connections=ConnectionLimits(**{**SHORT, **limits}), trusted_proxies=list(trusted_proxies)
    )
    async with serving(target(), **server_options(settings)) as url:
        parts = urlsplit(url)
        yield str(parts.hostname), int(parts.port or 0)


async def sent(address: tuple[str, int], data: bytes) -> Stream:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    with suppress(ConnectionError):
        await writer.drain()
    return reader, writer


async def reply_of(stream: Stream, within: float = 3) -> bytes:
    """All that comes until the other side closes."""
    async with asyncio.timeout(within):
        try:
            return await stream[0].read()
        except ConnectionError:
            return b""
        finally:
            stream[1].close()


async def healthy(address: tuple[str, int]) -> bool:
    reply = await reply_of(await sent(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    return reply.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("data", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "])
async def test_request_that_is_never_finished_is_closed(data: bytes) -> None:
    async with attacked() as address:
        reply = await reply_of(await sent(address, data))
        assert reply.startswith(b"HTTP/1.1 408")
        assert await healthy(address)


async def test_headers_that_come_byte_by_byte_have_no_more_time() -> None:
    async with attacked() as address:
        reader, writer = await sent(address, b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        with suppress(ConnectionError):
            while not reader.at_eof() and time.monotonic() - began < 3:
                writer.write(b"a: b\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        assert time.monotonic() - began < 2
        writer.close()


async def test_second_request_of_a_connection_has_the_same_limit() -> None:
    async with attacked() as address:
        reader, writer = await sent(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" in await reader.readuntil(b'"ok"}')
        writer.write(b"GET / HTTP/1.1\r\nHos")
        assert b"408" in await reply_of((reader, writer))


@pytest.mark.parametrize("headers", [b"X-A: " + b"a" * 40_000, b"".join(b"X-%d: a\r\n" % n for n in range(6_000))])
async def test_headers_above_the_limit_are_refused(headers: bytes) -> None:
    async with attacked() as address:
        reply = await reply_of(await sent(address, b"GET / HTTP/1.1\r\n" + headers))
        assert reply.startswith(b"HTTP/1.1 431")
        assert await healthy(address)


async def test_slow_body_is_ended_and_a_steady_one_is_not() -> None:
    async with attacked(body_bytes_per_second=100) as address:
        head = b"PUT /api/attacks/upload/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n"
        assert b"408" in await reply_of(await sent(address, head + b"x"))
        reader, writer = await sent(address, head)
        for _ in range(20):
            writer.write(b"x" * 100)
            await writer.drain()
            await asyncio.sleep(0.05)
        assert (await reply_of((reader, writer))).endswith(b"2000")


async def test_caller_that_does_not_read_its_reply_is_let_go() -> None:
    async with attacked() as address:
        reader, writer = await asyncio.open_connection(*address, limit=1024)
        writer.write(b"GET /api/attacks/endless/ HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        await asyncio.sleep(1.5)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(5):
            with suppress(ConnectionError):
                while await reader.read(1 << 20):
                    pass
        writer.close()


async def test_one_address_takes_no_more_than_its_share() -> None:
    async with attacked(total=40, per_address=10, header_seconds=2) as address:
        half = [await sent(address, b"GET / HTTP/1.1\r\n") for _ in range(10)]
        await asyncio.sleep(0.05)
        refused = await reply_of(await sent(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
        assert refused.startswith(b"HTTP/1.1 503")
        for _, writer in half:
            writer.close()
        await asyncio.sleep(0.05)
        assert await healthy(address)


async def test_connections_in_all_are_limited_also_from_a_proxy() -> None:
    async with attacked(("127.0.0.0/8",), total=10, header_seconds=2) as address:
        half = [await sent(address, b"GET / HTTP/1.1\r\n") for _ in range(10)]
        await asyncio.sleep(0.05)
        refused = await reply_of(await sent(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
        assert refused.startswith(b"HTTP/1.1 503")
        for _, writer in half:
            writer.close()
        await asyncio.sleep(0.05)
        assert await healthy(address)


async def test_proxy_is_not_limited_as_one_address() -> None:
    async with attacked(("127.0.0.0/8",), total=40, per_address=10) as address:
        half = [await sent(address, b"GET / HTTP/1.1\r\n") for _ in range(15)]
        assert await healthy(address)
        for _, writer in half:
            writer.close()


async def test_forwarded_address_counts_from_a_configured_proxy_only() -> None:
    forged = {"X-Forwarded-For": "203.0.113.9"}
    for trusted, expected in (((), "127.0.0.1"), (("127.0.0.0/8",), "203.0.113.9"), (("10.0.0.0/8",), "127.0.0.1")):
        async with attacked(trusted) as (host, port), httpx.AsyncClient() as client:
            reply = await client.get(f"http://{host}:{port}/api/attacks/address", headers=forged)
            assert reply.json() == expected


SERVER = """
import socket
from tests.attacks.test_connections import target
from trapper_kit.settings import ConnectionLimits, ServiceSettings
from trapper_kit.web.serve import serve
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
print(port, flush=True)
serve(target(), ServiceSettings(connections=ConnectionLimits(header_seconds=2)), host="127.0.0.1", port=port)
"""


@pytest.mark.slow
async def test_21000_half_sent_requests_do_not_end_the_service() -> None:
    """From many loopback addresses, each within its own share; the service answers again within the header timeout."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(21_000, hard - 500)
    if count < 15_000:
        pytest.skip(f"this account may have {hard} open files, the attack needs 15,500")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = subprocess.Popen(  # noqa: ASYNC220 - a process of its own, with open files of its own
        [sys.executable, "-c", textwrap.dedent(SERVER)], stdout=subprocess.PIPE, text=True
    )
    writers: list[asyncio.StreamWriter] = []
    try:
        assert server.stdout is not None
        address = ("127.0.0.1", int(server.stdout.readline()))
        for _ in range(100):
            with suppress(OSError):
                if await healthy(address):
                    break
            await asyncio.sleep(0.1)
        for number in range(count):
            source = f"127.0.{number // 250 % 250}.{number % 250 + 1}"
            with suppress(OSError):
                _, writer = await asyncio.open_connection(*address, local_addr=(source, 0))
                writer.write(b"GET / HTTP/1.1\r\n")
                writers.append(writer)
        assert server.poll() is None
        async with asyncio.timeout(20):
            while True:
                with suppress(OSError, TimeoutError):
                    if await healthy(address):
                        break
                await asyncio.sleep(0.2)
        assert server.poll() is None
    finally:
        for writer in writers:
            writer.close()
        server.terminate()
        server.wait(10)
        if server.stdout is not None:
            server.stdout.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
