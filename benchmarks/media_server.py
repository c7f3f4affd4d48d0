"""One small picture for whoever asks for anything: the Expert's part in `bench_memory`, as cheap as can be."""

import asyncio
import sys
from pathlib import Path


class Answering(asyncio.Protocol):
    """One connection; every request has no body and gets the same answer."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *whole, self.pending = (self.pending + data).split(b"\r\n\r\n")
        for _ in whole:
            self.transport.write(self.answer)


async def serve(picture: bytes, port: int) -> None:
    """Until killed."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {len(picture)}\r\n\r\n"
    answer = head.encode() + picture
    server = await asyncio.get_running_loop().create_server(lambda: Answering(answer), "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]).read_bytes(), int(sys.argv[2])))
