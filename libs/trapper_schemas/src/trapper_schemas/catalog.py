"""Reads and checks the model manifest, its category files and label maps; the only import of yaml."""

import csv
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from trapper_schemas.model_names import why_reserved
from trapper_schemas.problem import field_message
from trapper_schemas.v1.models import NO_RANK, GoldenRun, Label, ModelEntry, ObjectType

DATA = Path(__file__).parent / "data"
BUILT_IN_MAPS = ("coco", "megadetector")
_MAX_FILE_BYTES = 5_000_000
_SPECIESNET_PARTS = 6
_SPECIESNET_RANKS = ("class", "order", "family", "genus")


class CatalogMalformed(ValueError):  # noqa: N818 - named after what is the case
    """A manifest, category file or label map that cannot be used; the message names the file and the field."""


class LabelMap(BaseModel):
    """Which labels of a detector are animals, humans, vehicles: by name or by index; what is not named is dropped."""

    model_config = ConfigDict(extra="forbid")

    animal: list[str | int] = []
    human: list[str | int] = []
    vehicle: list[str | int] = []
    none: list[str | int] = []
    """Of a classifier: labels that name nothing, such as blank and unknown."""

    def observation_type(self, index: int, label: str) -> ObjectType | None:
        """What the label at this index means, or None when it is dropped; names are compared without case."""
        return next((kind for kind in ObjectType if self._names(getattr(self, kind.value), index, label)), None)

    def names_nothing(self, index: int, label: str) -> bool:
        """Whether the label at this index names nothing that was seen."""
        return self._names(self.none, index, label)

    def _names(self, entries: Sequence[str | int], index: int, label: str) -> bool:
        word = _word(label)
        return any(entry == index if isinstance(entry, int) else _word(entry) == word for entry in entries)


_LABELS = TypeAdapter(list[Label])
_CATEGORY_FILE = r"^categories/[^/]+\.(yaml|csv)$"
_GOLDEN_RUN_FILE = r"^proofs/[^/]+\.json$"
_COLUMNS = ("label", "observation_type", "rank", "scientific_name", "common_name", "taxon_keys", "lineage")


def read_manifest(path: Path = DATA / "model_manifest.yaml") -> list[ModelEntry]:
    """All entries of the manifest, each with the labels of its category file; raises CatalogMalformed."""
    document = _load(path)
    if not isinstance(document, dict) or not isinstance(document.get("models"), list):
        raise CatalogMalformed(f"{path.name}: a manifest is a map with a list `models`")
    entries: list[ModelEntry] = []
    for number, raw in enumerate(document["models"], start=1):
        entry = _entry(path, number, raw)
        if any((entry.name, entry.version) == (known.name, known.version) for known in entries):
            raise CatalogMalformed(f"{path.name}: {entry.name} {entry.version} is listed twice")
        if why := why_reserved(entry.name, shipped=True):
            raise CatalogMalformed(f"{path.name}: {why}")
        if any(entry.name == known.name and entry.kind is not known.kind for known in entries):
            raise CatalogMalformed(f"{path.name}: {entry.name} is the name of models of two kinds")
        entries.append(entry)
    return entries


def read_proofs(path: Path = DATA / "model_manifest.yaml") -> dict[tuple[str, str], GoldenRun]:
    """The golden runs that are published with entries of the manifest, by name and version; raises CatalogMalformed."""
    entries = read_manifest(path)
    files = [raw.get("proof_file") for raw in _load(path)["models"]]
    return {
        (entry.name, entry.version): _golden_run(path.parent / file)
        for entry, file in zip(entries, files, strict=True)
        if file is not None
    }


def read_labels(path: Path) -> list[Label]:
    """The labels of a category file in index order: a YAML list, or CSV with a heading; raises CatalogMalformed.

    A SpeciesNet label without a lineage has the one that it spells out.
    """
    document = _rows(path) if path.suffix == ".csv" else _load(path)
    try:
        labels = [_with_lineage(label) for label in _LABELS.validate_python(document)]
    except ValidationError as problem:
        raise CatalogMalformed(f"{path.name}: {_first(problem)}") from problem
    seen: dict[str, int] = {}
    for index, label in enumerate(labels):
        if label.label in seen:
            raise CatalogMalformed(f"{path.name}: {label.label!r} is label {seen[label.label]} and label {index}")
        seen[label.label] = index
    return labels


def _entry(path: Path, number: int, raw: object) -> ModelEntry:
    if not isinstance(raw, dict):
        raise CatalogMalformed(f"{path.name}: entry {number} is no map of fields")
    entry: dict[str, Any] = {str(name): value for name, value in raw.items()}
    where = f"{path.name}: entry {number} ({entry.get('name', 'without a name')})"
    category_file, spec = entry.pop("category_file", None), entry.get("spec")
    golden_run_file = entry.pop("proof_file", None)
    if golden_run_file is not None and not re.match(_GOLDEN_RUN_FILE, str(golden_run_file)):
        raise CatalogMalformed(f"{where}: proof_file is {str(golden_run_file)[:100]!r}, not proofs/NAME.json")
    if category_file is not None:
        if not re.match(_CATEGORY_FILE, str(category_file)):
            raise CatalogMalformed(f"{where}: category_file is {str(category_file)[:100]!r}, not categories/NAME.yaml")
        if not isinstance(spec, dict):
            raise CatalogMalformed(f"{where}: has a category_file but no spec")
        entry["spec"] = {**spec, "labels": read_labels(path.parent / category_file)}
    elif isinstance(spec, dict):
        entry["spec"] = {"labels": [], **spec}  # they come with the weights
    try:
        return ModelEntry.model_validate(entry)
    except ValidationError as problem:
        raise CatalogMalformed(f"{where}: {_first(problem)}") from problem


def _golden_run(path: Path) -> GoldenRun:
    try:
        return GoldenRun.model_validate_json(_text(path))
    except ValidationError as problem:
        raise CatalogMalformed(f"{path.name}: {_first(problem)}") from problem


def manifest_schema() -> dict[str, Any]:
    """The manifest's form as JSON Schema: entries as on the wire, but their labels stand in a category file."""
    schema = TypeAdapter(list[ModelEntry]).json_schema()
    definitions = schema.pop("$defs")
    definitions["ModelEntry"]["properties"]["category_file"] = {
        "type": "string",
        "pattern": _CATEGORY_FILE,
    }
    definitions["ModelEntry"]["properties"]["proof_file"] = {"type": "string", "pattern": _GOLDEN_RUN_FILE}
    spec = definitions["ModelSpec"]
    spec["properties"].pop("labels")
    spec["required"].remove("labels")
    for label in ("Label", "TaxonKey", "ObjectType"):
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
        kinds = ", ".join(ObjectType)
        raise CatalogMalformed(f"{path.name}: {_first(problem)}; a map has lists of labels: {kinds}") from problem


def map_labels(names: Sequence[str], label_map: LabelMap | None) -> tuple[Label, ...]:
    """A detector's labels in index order; without a map, labels that are observation types map to themselves."""
    chosen = label_map or read_label_map("megadetector")
    return tuple(
        Label(label=name, observation_type=chosen.observation_type(index, name)) for index, name in enumerate(names)
    )


def lineage_of(label: str) -> dict[str, str]:
    """Names by rank of a SpeciesNet label, `uuid;class;order;family;genus;species;common name`; none of another one."""
    if label.count(";") != _SPECIESNET_PARTS:
        return {}
    *higher, epithets = label.split(";")[1:-1]
    lineage = {rank: name.capitalize() for rank, name in zip(_SPECIESNET_RANKS, higher, strict=True) if name}
    if epithets and "genus" in lineage:
        lineage["species"] = f"{lineage['genus']} {epithets.split()[0]}"
        if " " in epithets:
            lineage["subspecies"] = f"{lineage['genus']} {epithets}"
    return lineage


def _with_lineage(label: Label) -> Label:
    return label if label.lineage else label.model_copy(update={"lineage": lineage_of(label.label)})


def map_species(names: Sequence[str], label_map: LabelMap | None) -> tuple[Label, ...]:
    """A classifier's labels in index order; those that name no species have the rank `none`, and become no taxon.

    What the map does not name is looked up in the built-in table of such labels.
    """
    table = LabelMap.model_validate(_load(DATA / "maps" / "no_species.yaml"))
    chosen = label_map or LabelMap()
    labels: list[Label] = []
    for index, name in enumerate(names):
        word = name.rpartition(";")[2] if name.count(";") == _SPECIESNET_PARTS else name
        kind = chosen.observation_type(index, name)
        if kind is None and not chosen.names_nothing(index, name):
            kind = table.observation_type(-1, word)
        is_species = table.observation_type(-1, word) is None and not (
            kind is None and (table.names_nothing(-1, word) or chosen.names_nothing(index, name))
        )
        labels.append(_species(name, kind) if is_species else Label(label=name, observation_type=kind, rank=NO_RANK))
    return tuple(labels)


def _species(name: str, kind: ObjectType | None) -> Label:
    lineage = lineage_of(name)
    if not lineage:
        return Label(label=name, observation_type=kind)
    rank, scientific = list(lineage.items())[-1]
    common = name.rpartition(";")[2] or None
    return Label(
        label=name, observation_type=kind, scientific_name=scientific, rank=rank, common_name=common, lineage=lineage
    )


def _word(label: str) -> str:
    """A label as it is compared: without case, `_` and `-` being spaces."""
    return " ".join(re.split(r"[\s_-]+", label.strip().casefold()))


@cache
def _load(path: Path) -> Any:
    text = _text(path)
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as problem:  # an impossible date is a bare ValueError
        raise CatalogMalformed(f"{path.name}: is not YAML") from problem


def _rows(path: Path) -> list[dict[str, Any]]:
    """One label per line, an empty cell says nothing.

    `taxon_keys` are `checklist:key` with spaces between, `lineage` is `rank:name` with semicolons between.
    """
    reader = csv.reader(_text(path).splitlines(), strict=True)
    rows: list[dict[str, Any]] = []
    try:
        heading = next(reader, [])
        if unknown := [name for name in heading if name not in _COLUMNS]:
            raise CatalogMalformed(f"{path.name}: has a column {unknown[0][:40]!r}; there are {', '.join(_COLUMNS)}")
        for cells in reader:
            if len(cells) != len(heading):
                raise CatalogMalformed(f"{path.name}, line {reader.line_num}: {len(cells)} cells, not {len(heading)}")
            label: dict[str, Any] = {name: cell or None for name, cell in zip(heading, cells, strict=True)}
            keys = [key.partition(":") for key in (label.get("taxon_keys") or "").split()]
            taxa = [taxon.partition(":") for taxon in (label.get("lineage") or "").split(";") if taxon.strip()]
            rows.append(
                {
                    **label,
                    "taxon_keys": [{"checklist": checklist, "key": key} for checklist, _, key in keys],
                    "lineage": {rank.strip().lower(): name.strip() for rank, _, name in taxa},
                }
            )
    except csv.Error as problem:
        raise CatalogMalformed(f"{path.name}, line {reader.line_num}: {problem}") from problem
    return rows


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise CatalogMalformed(f"{path.name}: larger than {_MAX_FILE_BYTES} bytes")
        return path.read_text("utf-8")
    except OSError as problem:
        raise CatalogMalformed(f"{path}: cannot be read ({problem.strerror})") from problem
    except UnicodeDecodeError as problem:
        raise CatalogMalformed(f"{path.name}: is not UTF-8 (byte {problem.start})") from problem


def _first(problem: ValidationError) -> str:
    error = problem.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in error['loc'])}: {field_message(error)}"
