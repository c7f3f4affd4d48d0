"""Names and texts that people type follow one rule: damaged ones are refused by field, those of files are repaired."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from expert.app import contract_app
from expert.observations.state import ObservationInput
from expert.uploads.schemas import AnnouncedFile
from trapper_schemas.base import Request

DAMAGED = ("a\x00b", "a\ufffdb", "a\x1bb", "\ud800")
NOT_TYPED = {
    (AnnouncedFile, "name"): "comes out of a file system",
    (AnnouncedFile, "path"): "comes out of a file system",
}
"""Texts of requests that nobody types, and why they are not refused."""


def _requests(kind: type[BaseModel] = Request) -> Iterator[type[BaseModel]]:
    for inner in kind.__subclasses__():
        if inner.__module__.startswith("expert."):
            yield inner
        yield from _requests(inner)


def _typed_fields() -> list[tuple[type[BaseModel], str]]:
    """The fields of the Expert's requests that take any text."""
    contract_app()  # imports every route
    fields: list[tuple[type[BaseModel], str]] = []
    for model in sorted({*_requests(), ObservationInput}, key=lambda model: model.__qualname__):
        properties: dict[str, Any] = model.model_json_schema()["properties"]
        for name, schema in properties.items():
            kinds = [schema, *schema.get("anyOf", ())]
            free = [
                kind
                for kind in kinds
                if kind.get("type") == "string" and not {"format", "enum", "pattern", "const"} & {*kind}
            ]
            if free and (model, name) not in NOT_TYPED:
                fields.append((model, name))
    return fields


TYPED = _typed_fields()


def test_the_rule_is_checked_for_every_feature() -> None:
    features = {model.__module__.split(".")[1] for model, _ in TYPED}
    assert {"access", "collections", "deployments", "locations", "observations", "research_projects"} <= features


@pytest.mark.parametrize(("model", "field"), TYPED, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("text", DAMAGED, ids=ascii)
def test_damaged_text_is_refused_by_its_field(model: type[BaseModel], field: str, text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate({field: text})
    assert field in {error["loc"][0] for error in refused.value.errors() if error["loc"]}


@pytest.mark.parametrize("text", DAMAGED[:2], ids=ascii)
def test_name_of_a_file_is_repaired(text: str) -> None:
    file = AnnouncedFile.model_validate({"name": text, "size_bytes": 1, "sha256": "a" * 64})
    assert file.name == "a\ufffdb"


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "\u00a0"])
def test_blank_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="individual_id"):
        ObservationInput.model_validate({"observation_type": "animal", "individual_id": name})
