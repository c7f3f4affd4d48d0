"""Completes a service's OpenAPI document: security, every refusal that can come, replays, ETags."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from trapper_kit.idempotency import IdempotencyKeyReused
from trapper_kit.problems import Invalid, Malformed, Problem, TooLarge, Unavailable, Unexpected
from trapper_kit.web.examples import Document, describe_fields, example_of, texts
from trapper_kit.web.guards import api_routes, refusals_of
from trapper_kit.web.versions import IF_MATCH, PRECONDITIONS
from trapper_schemas.problem import MEDIA_TYPE, ProblemBody

BEARER = "HTTPBearer"
_SCHEME = {"type": "http", "scheme": "bearer", "description": "a token of the service; a worker's is its credential"}
_JSON = "application/json"
OCTET_STREAM = "application/octet-stream"
_ETAG = {"description": "`version` of the row in quotes, for If-Match", "schema": {"type": "string"}}
_REF = "#/components/schemas/"
_OF_FASTAPI = ("HTTPValidationError", "ValidationError")
_REPLAY = "The row that this Idempotency-Key and body made before."
_HEALTH = "health"


def problems(*kinds: type[Problem]) -> dict[int | str, Document]:
    """The refusals of a route beside those that its guards and parameters bring, for its OpenAPI entry."""
    responses: dict[int | str, Document] = {}
    for kind in kinds:
        _add(responses, kind.status, kind)
    return responses


def binary(*media_types: str) -> Document:
    """A body of bytes, for a route's OpenAPI entry; clients that know no other type ask for it by this one."""
    names = (OCTET_STREAM, *media_types)
    return {"content": {name: {"schema": {"type": "string", "format": "binary"}} for name in names}}


def describe_better(app: FastAPI, streamed: Sequence[type[BaseModel]] = ()) -> None:
    """Let the app serve the completed document; `streamed` are bodies that routes read themselves."""
    plain = app.openapi

    def openapi() -> Document:
        if app.openapi_schema is None:
            _complete(plain(), api_routes(app.routes), streamed)
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _complete(document: Document, routes: Iterable[APIRoute], streamed: Sequence[type[BaseModel]]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _OF_FASTAPI:
        schemas.pop(name, None)
    for body in (ProblemBody, *streamed):
        schema = body.model_json_schema(ref_template=f"{_REF}{{model}}")
        schemas |= schema.pop("$defs", {}) | {body.__name__: schema}
    titles = {name: schema["title"] for name, schema in schemas.items()}  # `UserPage` instead of `Page_UserReply_`
    _rename(document, {f"{_REF}{name}": f"{_REF}{title}" for name, title in titles.items()})
    document["components"]["schemas"] = schemas = {
        titles[name]: schemas[name] for name in sorted(schemas, key=titles.__getitem__)
    }
    for name, schema in schemas.items():
        describe_fields(name, schema.get("properties", {}))
    tags: set[str] = set()
    for route in routes:
        if not route.include_in_schema:
            continue
        tags.update(str(tag) for tag in route.tags)
        for method in route.methods or ():
            operation: Document = document["paths"][route.path_format][method.lower()]
            if _drop_header(operation):
                operation.setdefault("security", [{BEARER: []}])
                document["components"].setdefault("securitySchemes", {}).setdefault(BEARER, _SCHEME)
            _declare(route, operation)
            _explain(operation, schemas)
            for response in operation["responses"].values():
                if _has_version(response.get("content", {}).get(_JSON, {}), schemas):
                    response.setdefault("headers", {})["ETag"] = _ETAG

    document["tags"] = [{"name": name, "description": texts()["tags"].get(name, name)} for name in sorted(tags)]


def _explain(operation: Document, schemas: Document) -> None:
    """A summary, descriptions of the parameters, and an example of each document."""
    summary, _, _ = operation.get("description", "").partition(". ")
    operation["summary"] = summary.split("\n", maxsplit=1)[0].partition("; ")[0].rstrip(".")
    parameters: list[Document] = operation.get("parameters", [])
    describe_fields(operation["operationId"], {parameter["name"]: parameter for parameter in parameters})
    for parameter in parameters:
        if parameter.get("required"):
            owner, name = operation["operationId"], parameter["name"]
            parameter["example"] = example_of(parameter["schema"], schemas, whole=False, owner=owner, name=name)
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for index, body in enumerate(bodies):
        content = body.get("content", {}).get(_JSON)
        if content is not None:
            content["example"] = example_of(content["schema"], schemas, whole=index > 0)


def _rename(part: Any, references: dict[str, str]) -> None:
    """Replace the references in a part of a document."""
    for value in part.values() if isinstance(part, dict) else part:
        if isinstance(value, dict | list):
            _rename(value, references)
    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
        part["$ref"] = references.get(part["$ref"], part["$ref"])


def _declare(route: APIRoute, operation: Document) -> None:
    """Add the responses that every route of this kind can give."""
    responses: Document = operation["responses"]
    if responses.get("422", {}).get("content", {}).get(_JSON):  # FastAPI's own
        del responses["422"]
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    if "Idempotency-Key" in names and "201" in responses:
        responses.setdefault("200", responses["201"] | {"description": _REPLAY})
    for kind in _refusals(route, names, set(operation.get("requestBody", {}).get("content", ()))):
        _add(responses, str(kind.status), kind)
    operation["responses"] = dict(sorted(responses.items()))


def _refusals(route: APIRoute, parameters: set[str], media_types: set[str]) -> Iterator[type[Problem]]:
    yield from refusals_of(route)
    if _HEALTH in route.tags:
        return
    yield from (Invalid, Unexpected, Unavailable)
    if _JSON in media_types or "cursor" in parameters:
        yield Malformed
    if media_types:
        yield TooLarge
    if IF_MATCH in parameters:
        yield from PRECONDITIONS
    if "Idempotency-Key" in parameters:
        yield IdempotencyKeyReused


def _add(responses: dict[Any, Document], status: int | str, kind: type[Problem]) -> None:
    response = responses.setdefault(status, {"description": "", "content": {}})
    response["content"].setdefault(MEDIA_TYPE, {"schema": {"$ref": f"{_REF}ProblemBody"}})
    line = f"`{kind.type}`: {kind.title}."
    if line not in response["description"]:
        response["description"] = f"{response['description']} {line}".strip()


def _drop_header(operation: Document) -> bool:
    """Whether the operation had a parameter for the header, which generated clients ignore; a scheme replaces it."""
    parameters = operation.get("parameters", [])
    kept = [
        parameter for parameter in parameters if (parameter["in"], parameter["name"]) != ("header", "authorization")
    ]
    if kept != parameters:
        operation["parameters"] = kept
    return kept != parameters


def _has_version(content: Document, schemas: Document) -> bool:
    """Whether the body is a row with a version that each write raises."""
    name = str(content.get("schema", {}).get("$ref", "")).removeprefix(_REF)
    return schemas.get(name, {}).get("properties", {}).get("version", {}).get("type") == "integer"
