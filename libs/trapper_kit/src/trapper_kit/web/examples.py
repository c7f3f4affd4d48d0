"""Descriptions and examples of a contract's fields, by name, from fields.toml."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Document = dict[str, Any]
_REF = "#/components/schemas/"
_FORMATS = {
    "date": "2026-05-03",
    "uuid": "0199d4f0-8a11-7cc2-9d0e-3f5a6b7c8d9e",
    "date-time": "2026-05-03T04:21:09Z",
    "password": "three-wet-owls-at-night",
}
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_DEEPEST = 8
_AFFIXES = re.compile(r"^(?:New|Changed)(?=[A-Z])|(?:Reply|Detail|Change)$")


@cache
def texts() -> Mapping[str, Document]:
    """The tables `descriptions`, `examples` and `tags`."""
    return tomllib.loads(files("trapper_kit.web").joinpath("fields.toml").read_text("utf-8"))


def describe_fields(owner: str, fields: Mapping[str, Document]) -> None:
    """Give each field without a description the one of its name; `owner` is a schema or an operation.

    `Location.name` describes the field in every schema of a location: `LocationReply`, `NewLocation`, `LocationChange`.
    """
    descriptions = texts()["descriptions"]
    noun = _AFFIXES.sub("", owner)
    for name, field in fields.items():
        text = descriptions.get(f"{owner}.{name}", descriptions.get(f"{noun}.{name}", descriptions.get(name)))
        if text is not None:
            field.setdefault("description", text)


def example_of(
    schema: Document, schemas: Document, *, whole: bool, owner: str = "", name: str = "", depth: int = 0
) -> object:
    """A value that fits a schema; with `whole` every field of an object, without it only those that are required."""
    if "$ref" in schema:
        owner = schema["$ref"].removeprefix(_REF)
        return example_of(schemas[owner], schemas, whole=whole, owner=owner, name=name, depth=depth + 1)
    known = texts()["examples"]
    if schema.get("type") != "object" and (f"{owner}.{name}" in known or _fits(known.get(name), schema)):
        return known.get(f"{owner}.{name}", known.get(name))
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        return example_of(options[0], schemas, whole=whole, owner=owner, name=name, depth=depth)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    return _by_type(schema, schemas, whole=whole, owner=owner, name=name, depth=depth)


def _fits(value: object, schema: Document) -> bool:
    kinds = {"string": str, "integer": int, "number": int | float, "array": list, "boolean": bool}
    types = [option.get("type") for option in schema.get("anyOf", [schema])]
    is_string = types[0] == "string" and not {"format", "pattern", "enum"} & schema.keys()
    return (
        value is not None
        and types[0] in kinds
        and isinstance(value, kinds[types[0]])
        and (is_string or types[0] != "string")
    )


def _by_type(schema: Document, schemas: Document, *, whole: bool, owner: str, name: str, depth: int) -> object:
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties", {})
        shown = fields if whole else schema.get("required") or list(fields)[:1]
        return {
            field: example_of(fields[field], schemas, whole=whole, owner=owner, name=field, depth=depth)
            for field in (shown if depth < _DEEPEST else schema.get("required", ()))
        }
    if kind == "array":
        item = example_of(schema.get("items", {}), schemas, whole=whole, owner=owner, name=name, depth=depth + 1)
        return [item] * max(1, schema.get("minItems", 1))
    if kind == "string":
        is_hash = "[0-9a-f]{64}" in schema.get("pattern", "")
        return (
            _SHA256
            if is_hash
            else _FORMATS.get(schema.get("format", ""), texts()["examples"].get(name, name or "text"))
        )
    if kind in {"integer", "number"}:
        return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    return False if kind == "boolean" else None
