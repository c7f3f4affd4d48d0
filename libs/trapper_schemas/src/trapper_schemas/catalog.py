"""Reads and checks the model manifest, its category files and label maps; the only import of yaml."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from trapper_schemas.v1.models import Label, ModelEntry, ObservationType

DATA = Path(__file__).parent / "data"
BUILT_IN_MAPS = ("coco", "megadetector")
_MAX_FILE_BYTES = 5_000_000


class CatalogMalformed(ValueError):  # noqa: N818 - named after what is the case
    """A manifest, category file or label map that cannot be used; the message names the file and the field."""


class LabelMap(BaseModel):
    """Which labels of a detector are animals, humans, vehicles: by name or by index; what is not named is dropped."""

    model_config = ConfigDict(extra="forbid")

    animal: list[str | int] = []
    human: list[str | int] = []
    vehicle: list[str | int] = []

    def observation_type(self, index: int, label: str) -> ObservationType | None:
        """What the label at this index means, or None when it is dropped; names are compared without case."""
        for kind in ObservationType:
            for entry in getattr(self, kind.value):
                if entry == index if isinstance(entry, int) else entry.casefold() == label.casefold():
                    return kind
        return None


_ENTRIES = TypeAdapter(list[ModelEntry])


def read_manifest(path: Path = DATA / "model_manifest.yaml") -> list[ModelEntry]:
    """All entries of the manifest, each with the labels of its category file; raises CatalogMalformed."""
    document = _load(path)
    if not isinstance(document, dict) or not isinstance(document.get("models"), list):
        raise CatalogMalformed(f"{path.name}: a manifest is a map with a list `models`")
    entries: list[dict[str, Any]] = []
    for raw in document["models"]:
        entry = dict(raw)
        category_file = entry.pop("category_file", None)
        if category_file is not None and entry.get("spec") is not None:
            entry["spec"] = {**entry["spec"], "labels": _load(path.parent / category_file)}
        entries.append(entry)
    try:
        return _ENTRIES.validate_python(entries)
    except ValidationError as problem:
        raise CatalogMalformed(f"{path.name}: {_first(problem)}") from problem


def manifest_schema() -> dict[str, Any]:
    """The manifest's form as JSON Schema: entries as on the wire, but their labels stand in a category file."""
    schema = TypeAdapter(list[ModelEntry]).json_schema()
    definitions = schema.pop("$defs")
    definitions["ModelEntry"]["properties"]["category_file"] = {
        "type": "string",
        "pattern": r"^categories/[^/]+\.yaml$",
    }
    spec = definitions["ModelSpec"]
    spec["properties"].pop("labels")
    spec["required"].remove("labels")
    for label in ("Label", "TaxonKey", "ObservationType"):
        definitions.pop(label)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "TRAPPER model manifest",
        "type": "object",
        "required": ["models"],
        "additionalProperties": False,
        "properties": {
            "models": schema,
            "shapes": {"type": "object", "description": "specs that several entries share, as YAML anchors"},
        },
        "$defs": definitions,
    }


def read_label_map(name_or_path: str) -> LabelMap:
    """A built-in map (`coco`, `megadetector`) or a YAML file with lists `animal`, `human`, `vehicle`."""
    path = DATA / "maps" / f"{name_or_path}.yaml" if name_or_path in BUILT_IN_MAPS else Path(name_or_path)
    try:
        return LabelMap.model_validate(_load(path))
    except ValidationError as problem:
        raise CatalogMalformed(f"{path.name}: {_first(problem)}") from problem


def map_labels(names: Sequence[str], label_map: LabelMap | None) -> tuple[Label, ...]:
    """A detector's labels in index order; without a map, labels that are observation types map to themselves."""
    chosen = label_map or read_label_map("megadetector")
    return tuple(
        Label(label=name, observation_type=chosen.observation_type(index, name)) for index, name in enumerate(names)
    )


@cache
def _load(path: Path) -> Any:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise CatalogMalformed(f"{path.name}: larger than {_MAX_FILE_BYTES} bytes")
        return yaml.safe_load(path.read_text("utf-8"))
    except OSError as problem:
        raise CatalogMalformed(f"{path}: cannot be read ({problem.strerror})") from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise CatalogMalformed(f"{path.name}: is not YAML in UTF-8") from problem


def _first(problem: ValidationError) -> str:
    error = problem.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
