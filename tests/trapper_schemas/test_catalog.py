"""The manifest and the label maps are read, and what is wrong with one is said by name."""

from pathlib import Path

import pytest

from trapper_schemas.catalog import CatalogMalformed, map_labels, read_label_map, read_manifest
from trapper_schemas.v1.models import ObservationType


def test_the_shipped_manifest_is_whole() -> None:
    entries = read_manifest()
    names = [(entry.name, entry.version) for entry in entries]
    assert len(names) == len(set(names))
    assert {"demo-detector", "demo-species"} <= {entry.name for entry in entries}
    assert all(entry.licence for entry in entries)


def test_coco_s_labels_become_animals_humans_and_vehicles() -> None:
    labels = map_labels([str(index) for index in range(80)], read_label_map("coco"))
    kinds = [label.observation_type for label in labels]
    assert kinds[0] is ObservationType.HUMAN
    assert kinds[1:9] == [ObservationType.VEHICLE] * 8
    assert kinds[14:24] == [ObservationType.ANIMAL] * 10
    assert all(kind is None for kind in kinds[9:14] + kinds[24:])


def test_megadetector_s_person_is_a_human() -> None:
    labels = map_labels(["animal", "person", "vehicle"], None)
    assert [label.observation_type for label in labels] == list(ObservationType)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("animals: [0]", "animals"),
        ("animal: 3", "animal"),
        ("[1, 2", "not YAML"),
    ],
)
def test_a_label_map_that_cannot_be_used_names_its_file_and_field(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "my-map.yaml"
    path.write_text(text)
    with pytest.raises(CatalogMalformed, match=said) as refused:
        read_label_map(str(path))
    assert "my-map.yaml" in str(refused.value)


def test_a_label_map_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CatalogMalformed, match="cannot be read"):
        read_label_map(str(tmp_path / "absent.yaml"))


def test_a_manifest_entry_with_an_unknown_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text("models: [{name: x, colour: red}]")
    with pytest.raises(CatalogMalformed, match=r"manifest\.yaml"):
        read_manifest(path)
