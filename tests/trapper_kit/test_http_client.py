"""The one way out refuses private addresses, follows nothing, limits sizes, and gives problems back as exceptions."""
# pyright: basic

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from tests.support.http_servers import serving
from trapper_kit.addresses import AddressRefused, check_address, networks, origin_of
from trapper_kit.http_client import HttpClient
from trapper_kit.http_replies import Unreachable, read_limited
from trapper_kit.problems import Conflict, Problem, TooLarge
from trapper_kit.web.app import build_app
from trapper_kit.web.guards import public

LOOPBACK = networks(["127.0.0.0/8"])
router = APIRouter(prefix="/api/things", tags=["things"])


@router.post("/taken/")
@public
async def taken() -> None:
    raise Conflict("somebody was faster", winner="ada")


@router.get("/large/")
@public
async def large() -> str:
    return "x" * 10_000


def app() -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    async def ready(_: object) -> None:
        return None

    return build_app(service="test", title="Test", version="1", routers=[router], lifespan=lifespan, ready=ready)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "::1",
        "fe80::1",
        "::ffff:10.0.0.1",
        "0.0.0.0",  # noqa: S104 - a name to refuse
        "224.0.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "::127.0.0.1",
        "fe80::1%eth0",
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(ipaddress.ip_address(address), ())


def test_a_setting_may_allow_a_network_and_no_more() -> None:
    check_address(ipaddress.ip_address("127.0.0.1"), LOOPBACK)
    check_address(ipaddress.ip_address("::ffff:127.0.0.1"), LOOPBACK)
    check_address(ipaddress.ip_address("64:ff9b::7f00:1"), LOOPBACK)
    check_address(ipaddress.ip_address("1.1.1.1"), ())
    check_address(ipaddress.ip_address("64:ff9b::101:101"), ())
    with pytest.raises(AddressRefused):
        check_address(ipaddress.ip_address("10.0.0.1"), LOOPBACK)


async def test_a_name_that_leads_to_this_machine_is_refused_before_it_is_called() -> None:
    client = HttpClient("http://localhost:9")
    with pytest.raises(AddressRefused):
        await client.request("GET", "/")
    await client.close()


async def test_a_name_is_resolved_once_and_what_was_checked_is_what_is_called(monkeypatch) -> None:
    """As when its owner gives another answer to each question."""
    answers = ["127.0.0.1", "10.0.0.1"]
    asked: list[str] = []

    async def resolve(_loop: object, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[len(asked) - 1], port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    async with serving(app()) as url:
        port = url.rpartition(":")[2]
        client = HttpClient(f"http://photos.example:{port}", allowed=LOOPBACK)
        assert (await client.request("GET", "/healthz")).status_code == 200
        assert asked == ["photos.example"]
        await client.close()
        again = HttpClient(f"http://photos.example:{port}", allowed=LOOPBACK)
        with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
            await again.request("GET", "/healthz")
        await again.close()


async def test_one_refused_address_among_several_refuses_the_name(monkeypatch) -> None:
    async def resolve(_loop: object, _host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("1.1.1.1", "127.0.0.1")]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    client = HttpClient("http://photos.example:9")
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1"):
        await client.request("GET", "/")
    await client.close()


async def test_silence_becomes_unreachable() -> None:
    client = HttpClient("http://127.0.0.1:1", allowed=LOOPBACK)
    with pytest.raises(Unreachable):
        await client.request("GET", "/")
    await client.close()


async def test_a_refusal_comes_back_as_the_exception_it_was() -> None:
    client = HttpClient("http://test", transport=httpx.ASGITransport(app()))
    with pytest.raises(Conflict) as refused:
        await client.request("POST", "/api/things/taken")
    assert refused.value.detail == "somebody was faster"
    assert refused.value.extras == {"winner": "ada"}
    await client.close()


async def test_an_unknown_refusal_stays_a_problem_with_its_status() -> None:
    client = HttpClient("http://test", transport=httpx.ASGITransport(app()))
    with pytest.raises(Problem) as refused:
        await client.request("DELETE", "/api/things/taken/")
    assert refused.value.status == 405
    await client.close()


async def test_a_body_that_is_too_long_is_cut_off() -> None:
    client = HttpClient("http://test", transport=httpx.ASGITransport(app()))
    async with client.stream("/api/things/large/") as response:
        with pytest.raises(TooLarge):
            await read_limited(response, at_most=100)
    await client.close()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://example.org/a", "http://example.org:80"),
        ("https://example.org", "https://example.org:443"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
    ],
)
def test_an_origin_always_says_its_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin
