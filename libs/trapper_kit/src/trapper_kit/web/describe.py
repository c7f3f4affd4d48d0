"""Says in a service's contract what FastAPI cannot: bearer tokens as a security scheme, refusals in their own type."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from trapper_schemas.problem import MEDIA_TYPE

BEARER = "HTTPBearer"
_SCHEME = {"type": "http", "scheme": "bearer", "description": "a token of the service; a worker's is its credential"}
_JSON = "application/json"
_ETAG = {"description": "`version` of the row in quotes, for If-Match", "schema": {"type": "string"}}


def describe_better(app: FastAPI) -> None:
    """Generated clients ignore a header `authorization`, and look for the schema of a body under the type it has."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        for operation in _operations(document):
            if _drop_header(operation):
                operation.setdefault("security", [{BEARER: []}])
                document["components"].setdefault("securitySchemes", {}).setdefault(BEARER, _SCHEME)
            for response in operation["responses"].values():
                content = response.get("content", {})
                if _has_version(content.get(_JSON, {}), document):
                    response.setdefault("headers", {})["ETag"] = _ETAG
                if MEDIA_TYPE in content and _JSON in content:
                    content[MEDIA_TYPE] = content.pop(_JSON)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from (operation for operation in methods.values() if isinstance(operation, dict))


def _drop_header(operation: dict[str, Any]) -> bool:
    """Whether the operation had a parameter for the header; the scheme stands for it."""
    parameters = operation.get("parameters", [])
    kept = [
        parameter for parameter in parameters if (parameter["in"], parameter["name"]) != ("header", "authorization")
    ]
    if kept != parameters:
        operation["parameters"] = kept
    return kept != parameters


def _has_version(content: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether the body is a row with a version that each write raises."""
    name = str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]
    schema = document.get("components", {}).get("schemas", {}).get(name, {})
    return schema.get("properties", {}).get("version", {}).get("type") == "integer"
