"""GET /docs: the reference of a service's routes in Swagger UI, from files of its own; nothing is fetched elsewhere."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from trapper_kit.problems import NotFound
from trapper_kit.web.guards import public

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#reference", deepLinking: true, docExpansion: "none", filter: true,
  tryItOutEnabled: false, supportedSubmitMethods: [], validatorUrl: null,
});
"""
_ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}


def reference_router(title: str) -> APIRouter:
    """The page and its files."""
    router = APIRouter(tags=["health"], include_in_schema=False)

    @router.get("/docs")
    @public
    async def read_reference() -> HTMLResponse:
        return HTMLResponse(_PAGE.format(title=title), headers={"Content-Security-Policy": _POLICY})

    @router.get("/docs/start.js")
    @public
    async def read_start() -> Response:
        return Response(_START, media_type="text/javascript")

    @router.get("/docs/{name}")
    @public
    async def read_asset(name: str) -> Response:
        if name not in _ASSETS:
            raise NotFound("no such path")
        return Response(files("fastapi_offline").joinpath("static", name).read_bytes(), media_type=_ASSETS[name])

    return router
