"""The users that make_secrets writes, on a real Valkey: the services' own traffic passes, nothing else does."""

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.exceptions import NoPermissionError

from ai_manager.deps import NAMESPACE as MANAGER_QUEUE
from deploy import make_secrets
from expert.deps import NAMESPACE as EXPERT_QUEUE
from tests.support.servers import folder
from trapper_cli import ports
from trapper_cli.servers import binaries
from trapper_kit.broker import QueueTaskSender, make_broker, measure_queue
from trapper_kit.db import TaskMessage
from trapper_kit.notifications import NotificationListener, QueueNotifier
from trapper_schemas.ids import uuid7
from trapper_schemas.notifications import RESULTS_READY, RUN_BATCH_PREDICTION, expert_queue, runtime_queue

Urls = dict[str, str]


def started(place: Path, name: str) -> tuple[subprocess.Popen[bytes], int]:
    port = ports.choose()
    command = [
        str(binaries.valkey_server()),
        "--aclfile",
        str(place / f"{name}.acl"),
        "--save",
        "",
        "--dir",
        str(place),
    ]
    process = subprocess.Popen([*command, "--port", str(port), "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
    for _ in range(200):
        if is_healthy(port):
            return process, port
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError("valkey does not answer its health check")


def is_healthy(port: int) -> bool:
    """As the health check of the compose file asks."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"AUTH health health\r\nPING\r\n")
            reply = b""
            while reply.count(b"\r\n") < 2 and (part := connection.recv(256)):
                reply += part
    except OSError:
        return False
    return reply == b"+OK\r\n+PONG\r\n"


@pytest.fixture(scope="module")
def urls() -> Iterator[Urls]:
    """Of each service in each Valkey, as the compose file gives them, but for host and port."""
    with folder() as name:
        place = Path(name)
        make_secrets.main(place / "secrets")
        running = {server: started(place / "secrets", server) for server in ("queues", "notifications")}
        try:
            yield {
                path.name: path.read_text().replace(f"@{server}/", f"@127.0.0.1:{port}/")
                for server, (_, port) in running.items()
                for path in (place / "secrets").glob("*redis_url")
                if f"@{server}/" in path.read_text()
            }
        finally:
            for process, _ in running.values():
                process.terminate()
                process.wait(10)


@pytest.mark.parametrize(("service", "namespace"), [("expert", EXPERT_QUEUE), ("ai_manager", MANAGER_QUEUE)])
async def test_queue_of_a_service_works_with_its_user(urls: Urls, service: str, namespace: str) -> None:
    broker = make_broker(urls[f"{service}_redis_url"], namespace=namespace, redelivery=1, max_backoff=1)
    broker.maintenance_chance = 1_000_000  # every command looks for dead consumers
    sender = QueueTaskSender(broker)
    sender([TaskMessage("some.actor", {"id": "1"})])
    async with asyncio.timeout(10):
        while not any(sample.value for sample in measure_queue(broker, service)[0].samples):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    consumer = broker.consume("default", timeout=100)
    message = await asyncio.to_thread(next, iter(consumer))
    assert message is not None
    assert message.actor_name == "some.actor"
    await asyncio.to_thread(consumer.nack, message)
    await sender.close()


async def heard(urls: Urls, sender: str, listener: str, queue: str, actor: str) -> bool:
    received = asyncio.Event()
    loop = asyncio.get_running_loop()

    def note(**_arguments: object) -> None:
        loop.call_soon_threadsafe(received.set)

    listening = NotificationListener(urls[listener], queue, actor, note)
    listening.start()
    notifier = QueueNotifier(urls[sender])
    notifier.notify(queue, actor)
    try:
        async with asyncio.timeout(10):
            await received.wait()
    finally:
        await notifier.close()
        await asyncio.to_thread(listening.stop)
    return True


async def test_notifications_pass_between_the_services(urls: Urls) -> None:
    manager = "ai_manager_notifications_redis_url"
    expert = "expert_notifications_redis_url"
    assert await heard(urls, manager, expert, expert_queue(str(uuid7())), RESULTS_READY)
    assert await heard(urls, manager, "ai_worker_redis_url", runtime_queue("onnx-cpu"), RUN_BATCH_PREDICTION)


@pytest.mark.parametrize(
    "command",
    ["flushall", "config get *", "acl list", "shutdown", "client kill type normal", "monitor",
     "set elsewhere 1", "get elsewhere", "subscribe elsewhere"],
)  # fmt: skip
def test_no_user_may_do_what_no_service_does(urls: Urls, command: str) -> None:
    assert len(urls) == 5
    for url in urls.values():
        with pytest.raises(NoPermissionError):
            redis.Redis.from_url(url).execute_command(*command.split())


def test_services_reach_no_key_of_each_other(urls: Urls) -> None:
    attempts = [
        ("expert_redis_url", f"{MANAGER_QUEUE}:default"),
        ("ai_manager_redis_url", f"{EXPERT_QUEUE}:default"),
        ("expert_notifications_redis_url", "trapper_notifications:trapperai_runtime.onnx-cpu"),
        ("ai_worker_redis_url", "trapper_notifications:trapper_expert.1"),
    ]
    for name, key in attempts:
        with pytest.raises(NoPermissionError):
            redis.Redis.from_url(urls[name]).rpush(key, "x")
    stranger = redis.Redis.from_url(urls["ai_worker_redis_url"].replace("ai_worker:", ":"))
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()
