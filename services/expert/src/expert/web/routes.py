"""The web app's page and its assets; what they show comes from the API."""

from fastapi import APIRouter, Request, Response, status

from expert.web.open_build import BuiltFile, open_asset, open_page
from trapper_kit.problems import NotFound
from trapper_kit.web.guards import public

router = APIRouter(tags=["web"], include_in_schema=False)
PAGES = ("/", "/sign-in", "/projects", "/projects/{rest:path}", "/fleet", "/preferences")
"""Addresses of the app; the router in web/src/app has the same."""


def _reply(file: BuiltFile) -> Response:
    code = status.HTTP_200_OK if file.is_built else status.HTTP_503_SERVICE_UNAVAILABLE
    return Response(file.content, code, media_type=file.media_type, headers=file.headers)


@public
async def read_page(request: Request) -> Response:
    """Read the page of the app, whatever its address."""
    return _reply(open_page(request.headers.get("Accept-Encoding", "")))


for path in PAGES:
    router.add_api_route(path, read_page, methods=["GET"])


@router.get("/assets/{name}")
@public
async def read_asset(name: str, request: Request) -> Response:
    """Read a script, style or picture of the app."""
    asset = open_asset(name, request.headers.get("Accept-Encoding", ""))
    if asset is None:
        raise NotFound("there is no such asset; load the page again")
    return _reply(asset)
