"""What people call a thing is one line of visible text, in every body that the Expert takes."""

import importlib
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from trapper_schemas.base import Request

ROOT = Path(__file__).parents[2]
SCHEMAS = sorted((ROOT / "services" / "expert" / "src").glob("expert/*/schemas.py"))
OF_FILES = {"expert.uploads.schemas"}
"""Names of files are whatever a card's file system took."""


def bodies() -> list[type[BaseModel]]:
    """The request bodies of the Expert."""
    modules = [importlib.import_module(f"expert.{path.parent.name}.schemas") for path in SCHEMAS]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    return [kind for kind in kinds if issubclass(kind, Request) and kind.__module__ not in OF_FILES]


NAMES = {
    f"{body.__name__}.{field}": info
    for body in bodies()
    for field, info in body.model_fields.items()
    if field.endswith(("name", "names", "acronym", "title"))
}


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("text", ["two\nlines", "a\x00b", "\u200b"])
def test_names_in_bodies_are_one_visible_line(name: str, text: str) -> None:
    for value in (text, {"en": text}, [text]):
        with pytest.raises(ValidationError):
            validate(NAMES[name], value)


def validate(field: FieldInfo, value: object) -> None:
    """Validate a value as a field of a body does."""
    annotated: Any = Annotated[field.annotation, field]  # pyright: ignore[reportInvalidTypeForm]
    TypeAdapter(annotated).validate_python(value)
