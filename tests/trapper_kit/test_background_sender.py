"""Sending costs the caller nothing; what cannot be sent opens a circuit, and closes it again."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from trapper_kit import background_sender
from trapper_kit.background_sender import BackgroundSender


async def test_equal_messages_of_one_moment_are_sent_once_and_in_order() -> None:
    batches: list[list[str]] = []
    sender: BackgroundSender[str] = BackgroundSender(
        "test", lambda batch: batches.append(list(batch)), errors=(OSError,)
    )
    sender("plan", "settle")
    sender("plan")
    assert batches == [], "nothing is sent while the caller runs"
    await sender.close()
    assert batches == [["plan", "settle"]]


async def test_failure_opens_the_circuit_and_success_closes_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background_sender, "FIRST_PAUSE_SECONDS", 0.2)
    calls: list[list[str]] = []
    reachable = False

    def send(batch: Sequence[str]) -> None:
        calls.append(list(batch))
        if not reachable:
            raise ConnectionError("no answer")

    sender: BackgroundSender[str] = BackgroundSender("test", send, errors=(OSError,))
    with caplog.at_level("INFO"):
        sender("first")
        while not sender.is_open:  # noqa: ASYNC110 - a thread opens it
            await asyncio.sleep(0.01)
        sender("dropped")
        reachable = True
        while sender.is_open:  # noqa: ASYNC110 - time closes it
            await asyncio.sleep(0.01)
        sender("second")
        await sender.close()
    assert calls == [["first"], ["second"]]
    assert [record.getMessage() for record in caplog.records] == ["test.unreachable", "test.reached"]


async def test_thread_that_hangs_holds_up_neither_callers_nor_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_sender, "CLOSE_SECONDS", 0.1)
    sender: BackgroundSender[str] = BackgroundSender("test", lambda _: time.sleep(1.0), errors=(OSError,))
    began = time.perf_counter()
    for number in range(1000):
        sender(str(number))
    await asyncio.sleep(0.05)
    sender("last")
    await sender.close()
    assert time.perf_counter() - began < 0.9
