"""Pictures for whoever asks: the Expert's part in `bench_memory` and `bench_worker`, as cheap as can be.

`python -m benchmarks.media_server FILE... PORT`: `/2` is the third file, and every other path the first one.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import uvloop


class Answering(asyncio.Protocol):
    """One connection; no request has a body."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self.answers = answers
        self.pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *whole, self.pending = (self.pending + data).split(b"\r\n\r\n")
        for request in whole:
            path = request.split(b" ", 2)[1].removeprefix(b"/")
            self.transport.write(self.answers[int(path) if path.isdigit() else 0])


def answer(picture: bytes) -> bytes:
    """The whole of what is sent."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture


async def serve(pictures: Sequence[bytes], port: int) -> None:
    """Until killed."""
    answers = [answer(picture) for picture in pictures]
    server = await asyncio.get_running_loop().create_server(lambda: Answering(answers), "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    *files, port = sys.argv[1:]
    uvloop.run(serve([Path(file).read_bytes() for file in files], int(port)))
