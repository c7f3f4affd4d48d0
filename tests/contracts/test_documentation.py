"""The contracts explain themselves: descriptions, summaries, examples that fit, enums, one form of a box."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
JSON = "application/json"
PROBLEM = "application/problem+json"
UNITS = {"_seconds": "second", "_metres": "metres", "_bytes": "bytes", "_degrees": "degrees", "_days": "days"}
RANGE = re.compile(r"\d|from|more than|always|null while")
ENUMS = ("outcome", "availability", "observation_level", "life_stage", "sex", "stage", "visibility", "role")

Document = dict[str, Any]


@pytest.fixture(params=["expert", "ai_manager", "ai_worker"])
def contract(request: pytest.FixtureRequest) -> Document:
    return json.loads((ROOT / "services" / request.param / "openapi.json").read_text("utf-8"))


def _operations(contract: Document) -> Iterator[Document]:
    for methods in contract["paths"].values():
        yield from methods.values()


def _fields(contract: Document) -> Iterator[tuple[str, str, Document]]:
    """Owner, name and schema of each field and parameter, with its description in the schema."""
    for owner, schema in contract["components"]["schemas"].items():
        yield from ((owner, name, field) for name, field in schema.get("properties", {}).items())
    for operation in _operations(contract):
        for parameter in operation.get("parameters", []):
            described = {**parameter["schema"], "description": parameter.get("description")}
            yield operation["operationId"], parameter["name"], described


def _options(field: Document) -> list[Document]:
    return field.get("anyOf", [field])


def test_every_field_and_parameter_has_a_description(contract: Document) -> None:
    assert [f"{owner}.{name}" for owner, name, field in _fields(contract) if not field.get("description")] == []


def test_numbers_say_their_unit_and_range(contract: Document) -> None:
    silent: list[str] = []
    for owner, name, field in _fields(contract):
        numbers = [option for option in _options(field) if option.get("type") in {"integer", "number"}]
        if not numbers:
            continue
        text = field["description"]
        has_range = any({"minimum", "exclusiveMinimum", "maximum"} & option.keys() for option in numbers)
        unit = next((word for ending, word in UNITS.items() if name.endswith(ending)), "")
        if unit not in text or not (has_range or RANGE.search(text)):
            silent.append(f"{owner}.{name}: {text}")
    assert silent == []


def test_every_operation_has_its_own_summary_and_an_explained_tag(contract: Document) -> None:
    summaries = Counter(operation["summary"] for operation in _operations(contract))
    assert [summary for summary, times in summaries.items() if times > 1 or not 8 <= len(summary) <= 100] == []
    tags = {tag["name"] for tag in contract["tags"] if len(tag["description"]) > len(tag["name"])}
    assert [operation["operationId"] for operation in _operations(contract) if not set(operation["tags"]) <= tags] == []


def _documents(operation: Document) -> Iterator[tuple[str, Document]]:
    bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
    for name, body in bodies.items():
        if JSON in body.get("content", {}):
            yield name, body["content"][JSON]


def test_every_document_has_an_example_that_fits(contract: Document) -> None:
    schemas = json.loads(json.dumps(contract["components"]["schemas"]).replace("#/components/schemas/", "#/$defs/"))
    wrong: list[str] = []
    for operation in _operations(contract):
        for name, content in _documents(operation):
            schema = json.loads(json.dumps(content["schema"]).replace("#/components/schemas/", "#/$defs/"))
            errors = Draft202012Validator({"$defs": schemas, **schema}).iter_errors(content["example"])
            wrong += [f"{operation['operationId']} {name}: {error.message}" for error in errors]
    assert wrong == []


def test_every_operation_has_an_example(contract: Document) -> None:
    bare = [
        operation["operationId"]
        for operation in _operations(contract)
        if not list(_documents(operation))
        and not any("example" in parameter for parameter in operation.get("parameters", []))
        and not {204, "204"} & operation["responses"].keys()
        and JSON in str(operation["responses"].get("200", {}).get("content", {}))
    ]
    assert bare == []


def test_refusals_are_problem_documents_that_name_their_types(contract: Document) -> None:
    for operation in _operations(contract):
        for status, response in operation["responses"].items():
            if status[0] in "45":
                assert list(response["content"]) == [PROBLEM], operation["operationId"]
                assert re.search(r"`[a-z0-9-]+`: ", response["description"]), operation["operationId"]
            elif status != "204":
                assert response["content"], operation["operationId"]
    assert not {"HTTPValidationError", "ValidationError"} & contract["components"]["schemas"].keys()


def test_idempotent_creation_declares_its_replay(contract: Document) -> None:
    for operation in _operations(contract):
        keyed = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
        if keyed and "201" in operation["responses"]:
            replay, made = (operation["responses"][status]["content"][JSON]["schema"] for status in ("200", "201"))
            assert replay == made, operation["operationId"]


def test_states_are_enums_and_boxes_have_one_form(contract: Document) -> None:
    for owner, name, field in _fields(contract):
        options = _options(field)
        if name in ENUMS:
            plain = [option for option in options if option.get("type") == "string"]
            assert all({"enum", "const"} & option.keys() for option in plain), f"{owner}.{name}"
        if name == "bbox":
            box = next(option for option in options if option.get("type") == "array")
            assert (box["items"], box["minItems"], box["maxItems"]) == ({"type": "number"}, 4, 4), owner


def test_changes_have_no_defaults(contract: Document) -> None:
    for owner, schema in contract["components"]["schemas"].items():
        if owner.endswith("Change") and owner not in {"PasswordChange", "ObservationChange"}:
            assert "required" not in schema, owner
            assert [name for name, field in schema["properties"].items() if "default" in field] == [], owner


def test_schema_names_are_nouns(contract: Document) -> None:
    verbs = (
        "Add",
        "Ask",
        "Begin",
        "Change",
        "Confirm",
        "Connect",
        "Edit",
        "Make",
        "Publish",
        "Retire",
        "Set",
        "Start",
        "Take",
    )
    names = contract["components"]["schemas"]
    assert [name for name in names if re.match(rf"(?:{'|'.join(verbs)})[A-Z]", name)] == []
    assert [name for name in names if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name)] == []
