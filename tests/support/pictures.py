"""A media server of painted pictures that a test may keep waiting, and that remembers who asked with which grant."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from fastapi import FastAPI, Request, Response

from tests.support.http_servers import serving
from tests.support.make.ai_worker import resource_of
from tests.support.make.inference import encoded, painted
from trapper_schemas.v1.resources import ResourceRef

RED, BLACK = (255, 0, 0), (0, 0, 0)


@dataclass
class Pictures:
    """By resource id: the bytes; `open` lets them out."""

    url: str = ""
    files: dict[UUID, bytes] = field(default_factory=dict[UUID, bytes])
    open: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[UUID] = field(default_factory=list[UUID])
    grant: str = "the-grant"

    async def answer(self, resource_id: UUID, request: Request) -> Response:
        """One file, to whoever brings the grant."""
        self.asked.append(resource_id)
        await self.open.wait()
        if request.headers.get("trapper-media-grant") != self.grant:
            return Response(status_code=403)
        content = self.files.get(resource_id)
        return Response(status_code=404) if content is None else Response(content, media_type="image/png")

    def add(self, content: bytes) -> ResourceRef:
        """One more file."""
        resource = resource_of(f"{self.url}/api/media/x/inference", content)
        resource = resource.model_copy(update={"url": f"{self.url}/api/media/{resource.id}/inference"})
        self.files[resource.id] = content
        return resource

    def photos(self, squares: Sequence[int]) -> list[ResourceRef]:
        """Photos with so many red squares, which the colour detector takes for its first label."""
        return [self.add(encoded(painted([(column, 0, RED) for column in range(count)]))) for count in squares]


@asynccontextmanager
async def serving_pictures() -> AsyncGenerator[Pictures, None]:
    """The server, open from the start."""
    pictures = Pictures()
    pictures.open.set()
    app = FastAPI()
    app.add_api_route("/api/media/{resource_id}/inference", pictures.answer)
    async with serving(app) as url:
        pictures.url = url
        yield pictures
