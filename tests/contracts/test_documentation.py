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


def test_descriptions_say_more_than_the_name(contract: Document) -> None:
    """A description of an id may name the row that it is of, and nothing else."""
    empty = {"the", "a", "an", "of", "is", "it", "its", "what", "kind", "which", "for", "in", "this"}
    bare = [
        f"{owner}.{name}: {field['description']}"
        for owner, name, field in _fields(contract)
        if not name.endswith("id")
        and not set(re.findall(r"[a-z0-9]+", field["description"].lower())) - empty - set(name.lower().split("_"))
    ]
    assert bare == []


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


def test_every_operation_has_examples_that_fit(contract: Document) -> None:
    """Of its body, each reply and each required parameter; a call that takes and answers nothing has none."""
    schemas = json.loads(json.dumps(contract["components"]["schemas"]).replace("#/components/schemas/", "#/$defs/"))
    for operation in _operations(contract):
        required = [each for each in operation.get("parameters", []) if each.get("required")]
        examples = [*_documents(operation), *((each["name"], each) for each in required)]
        for name, content in examples:
            schema = json.loads(json.dumps(content["schema"]).replace("#/components/schemas/", "#/$defs/"))
            validator = Draft202012Validator(
                {"$defs": schemas, **schema}, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
            errors = [error.message for error in validator.iter_errors(content["example"])]
            assert errors == [], f"{operation['operationId']} {name}"
        has_none = {"204"} == {status for status in operation["responses"] if status[0] == "2"}
        is_text = operation["tags"] == ["health"]
        assert examples or has_none or is_text, operation["operationId"]


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


def test_every_list_is_filtered_by_id_and_name(contract: Document) -> None:
    schemas = contract["components"]["schemas"]
    for path, methods in contract["paths"].items():
        filters = {parameter["name"] for parameter in methods.get("get", {}).get("parameters", [])}
        if "cursor" not in filters:
            continue
        page = methods["get"]["responses"]["200"]["content"][JSON]["schema"]["$ref"].rpartition("/")[2]
        row = schemas[schemas[page]["properties"]["items"]["items"]["$ref"].rpartition("/")[2]]["properties"]
        expected = {"id"} & row.keys() | ({"name"} if {"name", "file_name"} & row.keys() and "id" in row else set())
        assert expected <= filters, path


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
        if owner.endswith("Change"):
            assert [name for name, field in schema["properties"].items() if "default" in field] == [], owner
            assert "required" not in schema or owner in {"PasswordChange", "ObservationChange"}, owner


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
