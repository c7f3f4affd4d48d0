"""The one way out refuses private addresses, follows nothing, limits sizes, and gives problems back as exceptions."""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from trapper_kit.http_client import (
    AddressRefused,
    HttpClient,
    Unreachable,
    check_address,
    networks,
    origin_of,
    read_limited,
)
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
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(ipaddress.ip_address(address), ())


def test_a_setting_may_allow_a_network_and_no_more() -> None:
    check_address(ipaddress.ip_address("127.0.0.1"), LOOPBACK)
    check_address(ipaddress.ip_address("::ffff:127.0.0.1"), LOOPBACK)
    check_address(ipaddress.ip_address("1.1.1.1"), ())
    with pytest.raises(AddressRefused):
        check_address(ipaddress.ip_address("10.0.0.1"), LOOPBACK)


async def test_a_name_that_leads_to_this_machine_is_refused_before_it_is_called() -> None:
    client = HttpClient("http://localhost:9")
    with pytest.raises(AddressRefused):
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
