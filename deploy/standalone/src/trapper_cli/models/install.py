"""Installs a model that the catalogue knows: downloaded, tried as a file of one's own is, published under its name."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trapper_cli.models.add import Inspected, inspect_file, publish
from trapper_cli.models.download import Origin, addresses, fetch_weights, megabytes
from trapper_client.client import TrapperClient
from trapper_client.errors import Failure, WrongUsage
from trapper_client.manager import ManagerClient
from trapper_client.output import tell
from trapper_schemas.v1.models import Availability, ModelEntry, ModelSpec, ObjectType, Preprocessing, Source

_DOCS = "docs/models.md says how."
_PREPROCESS = (
    "resize",
    "channels",
    "scale",
    "mean",
    "std",
    "interpolation",
    "pad_value",
    "crop_padding",
    "square_crop",
)


def find_entry(catalogue: Iterable[dict[str, Any]], name: str) -> tuple[ModelEntry, bool]:
    """The entry `NAME` or `NAME@VERSION`, one that can be installed if there is one, and whether it is here."""
    bare_name, _, version = name.partition("@")
    matching = [
        read_entry(each) for each in catalogue if each["name"] == bare_name and version in ("", each["version"])
    ]
    if not matching:
        raise WrongUsage(f"The catalogue has no model {name!r}.", hint="See: trapper models list")
    return next((each for each in matching if each[1] or why_not(each[0]) is None), matching[0])


def read_entry(document: dict[str, Any]) -> tuple[ModelEntry, bool]:
    """An entry as the Manager lists it, and whether its weights are here."""
    known = {field: document[field] for field in ModelEntry.model_fields if field in document}
    try:
        return ModelEntry.model_validate(known), bool(document.get("held"))
    except ValidationError:
        raise Failure(
            f"The Manager's entry {document['name']!r} cannot be read by this version of trapper.",
            hint="Use the same version as the stack's.",
        ) from None


def why_not(entry: ModelEntry) -> str | None:
    """Why this entry cannot be installed by its name, and what to do; None when it can."""
    name = entry.name
    match entry.availability:
        case Availability.CONVERT:
            published = next(iter(addresses(entry)), "its publisher")
            reason = f"{name} is published in another format: get {published}, convert it"
            return f"{reason}, then {_with_file(name)}. {_DOCS}"
        case Availability.BRING:
            return f"{name} is not distributed here: get the file yourself, then {_with_file(name)}. {_DOCS}"
        case Availability.READY:
            pass
    if entry.format != "onnx":
        return f"{name} is a {entry.format} file, and only ONNX can be installed. {_DOCS}"
    if entry.spec is None:
        return f"The catalogue does not say how {name} is run: get the file, then `trapper models add FILE`. {_DOCS}"
    if not addresses(entry):
        return f"The catalogue has no address for {name}: get it yourself, then {_with_file(name)}. {_DOCS}"
    return None


def _with_file(name: str) -> str:
    return f"`trapper models install {name} --file FILE`"


def describe(entry: ModelEntry, origin: Origin) -> str:
    """What a person decides on."""
    return f"{entry.name}, {megabytes(origin.size_bytes)}, licence {entry.licence}, from {origin.url}"


def install(
    manager: ManagerClient, expert: TrapperClient, entry: ModelEntry, origin: Origin, folder: Path
) -> ModelEntry:
    """Downloads, tries and publishes; the folder keeps nothing, because the Manager has the weights then."""
    fetched = fetch_weights(entry, origin, folder)
    try:
        tell(f"Downloaded {megabytes(fetched.size_bytes)}, sha256 {fetched.sha256}; trying it.")
        inspected = inspect_file(fetched.path, inspection_request(entry))
        complete = completed(entry, inspected)
        publish(manager, expert, complete.model_dump(mode="json"), fetched.path, inspected.golden_run)
    finally:
        fetched.path.unlink(missing_ok=True)
    return complete


def install_file(manager: ManagerClient, expert: TrapperClient, entry: ModelEntry, path: Path) -> ModelEntry:
    """The same with a file that is here already, also for entries that have to be converted or brought."""
    inspected = inspect_file(path, inspection_request(entry))
    _check_not_registered(manager, entry, path, inspected)
    if entry.sha256 is not None and inspected.entry["sha256"] != entry.sha256:
        raise Failure(f"{path.name} has the sha256 {inspected.entry['sha256']}; {entry.name} is {entry.sha256}.")
    complete = converted(entry, completed(entry, inspected))
    publish(manager, expert, complete.model_dump(mode="json"), path, inspected.golden_run)
    return complete


def _check_not_registered(manager: ManagerClient, entry: ModelEntry, path: Path, inspected: Inspected) -> None:
    """Refuses the weights of another entry of the catalogue."""
    for known in manager.models(retired=True):
        if known.get("sha256") == inspected.entry["sha256"] and known["name"] != entry.name:
            raise Failure(
                f"{path.name} is {known['name']} {known['version']}, not {entry.name}.",
                hint="Nothing was registered.",
            )


def converted(entry: ModelEntry, complete: ModelEntry) -> ModelEntry:
    """The complete entry as one that is ready; its address stays only where it is that of the file itself."""
    sources = entry.sources if entry.availability is Availability.READY else (Source(file_name=f"{entry.name}.onnx"),)
    return complete.model_copy(update={"availability": Availability.READY, "sources": sources})


def inspection_request(entry: ModelEntry) -> dict[str, Any]:
    """What `trapper models add` would be told about this file."""
    spec = _spec(entry)
    how = spec.preprocessing
    kinds = {kind: [i for i, each in enumerate(spec.labels) if each.observation_type is kind] for kind in ObjectType}
    return {
        "name": entry.name,
        "version": entry.version,
        "predictor": spec.predictor,
        "labels": [label.label for label in spec.labels],
        "same_network": True,
        "label_map": {kind.value: indices for kind, indices in kinds.items()} if any(kinds.values()) else None,
        "input_size": how.width if how.width == how.height else None,
        "preprocess": {field.replace("_", "-"): _words(how, field) for field in _PREPROCESS}
        | ({"resize": f"shortest:{how.shortest_side}"} if how.shortest_side is not None else {}),
        "activation": spec.activation if spec.predictor == "classifier" else "auto",
        "licence": entry.licence,
    }


def completed(entry: ModelEntry, inspected: Inspected) -> ModelEntry:
    """The entry with the hash that was computed and what the file told; a pinned one stays as it is."""
    if entry.sha256 is not None:
        return entry
    known, seen = _spec(entry), ModelSpec.model_validate(inspected.entry["spec"])
    kept = {name: value for name in ("labels", "thresholds", "nms_iou") if (value := getattr(known, name)) != ()}
    measured = {"sha256": inspected.entry["sha256"], "size_bytes": inspected.entry["size_bytes"]}
    return entry.model_copy(update={**measured, "spec": seen.model_copy(update=kept)})


def _spec(entry: ModelEntry) -> ModelSpec:
    if entry.spec is None:
        raise Failure(str(why_not(entry)))
    return entry.spec


def _words(how: Preprocessing, field: str) -> str:
    value = getattr(how, field)
    return ",".join(map(repr, value)) if isinstance(value, tuple) else str(value).lower()
