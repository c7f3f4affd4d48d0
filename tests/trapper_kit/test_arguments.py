"""Arguments that no process could work with are refused with a sentence."""

import argparse
import socket
from datetime import UTC, datetime

import pytest

from ai_manager.commands import _moment as moment
from tests.attacks.test_peers import BAD_ADDRESSES
from trapper_kit.addresses import AddressRefused
from trapper_kit.arguments import address
from trapper_kit.http_client import HttpClient
from trapper_kit.problems import Problem


@pytest.mark.parametrize("url", BAD_ADDRESSES)
def test_bad_address_is_refused(url: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"[a-z]+ "):
        address(url)


def test_good_address_and_time_are_taken() -> None:
    assert address("https://manager.example:8443") == "https://manager.example:8443"
    assert moment("2027-01-31T12:00:00+00:00") == datetime(2027, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tomorrow", "is no time"),
        ("2027-01-31T12:00:00", "has no time zone"),
        ("9999-12-31T23:59:59-05:00", "before 1900 or after 2199"),
    ],
)
def test_bad_time_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=sentence):
        moment(text)


@pytest.mark.parametrize("url", BAD_ADDRESSES)
async def test_call_of_a_bad_address_fails_as_a_problem(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_name_is_known(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name_is_known)
    with pytest.raises(Problem):
        await HttpClient(url).request("GET", "/x", idempotent=False)
    with pytest.raises(Problem):  # as media and weights are fetched, whose addresses are whole
        await HttpClient("").request("GET", url, idempotent=False)


@pytest.mark.parametrize("url", ["http://[::1", "http://\x00.org", "http://xn--\ud800.org"])
def test_client_of_an_address_that_cannot_be_read_is_refused_as_a_problem(url: str) -> None:
    with pytest.raises(AddressRefused):
        HttpClient(url)
