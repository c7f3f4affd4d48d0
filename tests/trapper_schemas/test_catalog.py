"""The manifest and the label maps are read, and what is wrong with one is said by name."""

from pathlib import Path

import pytest

from trapper_schemas.catalog import (
    DATA,
    CatalogMalformed,
    lineage_of,
    map_labels,
    map_species,
    read_label_map,
    read_labels,
    read_manifest,
    read_proofs,
)
from trapper_schemas.v1.models import NO_RANK, Availability, ModelEntry, ModelKind, ObjectType

ENTRIES = read_manifest()
NEVER_A_DEFAULT = ("AGPL", "GPL", "-NC")
IDS = [f"{entry.name}@{entry.version}" for entry in ENTRIES]
PREDICTORS = {
    ModelKind.DETECTION: {"yolov5", "yolov8", "yolov10", "yolox", "rtdetr", "nanodet"},
    ModelKind.CLASSIFICATION: {"classifier"},
    ModelKind.EMBEDDING: {"embedding"},
    ModelKind.DEPTH: {"depth"},
}


def test_the_shipped_manifest_is_whole() -> None:
    entries = read_manifest()
    names = [(entry.name, entry.version) for entry in entries]
    assert len(names) == len(set(names))
    assert {"demo-detector", "demo-species"} <= {entry.name for entry in entries}
    assert all(entry.licence for entry in entries)


@pytest.mark.parametrize("entry", ENTRIES, ids=IDS)
def test_an_entry_says_how_it_is_run_and_under_which_licence(entry: ModelEntry) -> None:
    assert entry.licence.strip()
    assert entry.description.strip()
    assert entry.spec is not None
    assert entry.spec.predictor in PREDICTORS[entry.kind]
    assert entry.spec.thresholds.conservative <= entry.spec.thresholds.typical
    how = entry.spec.preprocessing
    if entry.spec.predictor.startswith("yolo") and entry.spec.predictor != "yolox":
        assert how.width % 32 == how.height % 32 == 0
    if entry.kind is ModelKind.DETECTION:
        assert any(label.observation_type for label in entry.spec.labels)


@pytest.mark.parametrize("entry", ENTRIES, ids=IDS)
def test_what_is_ready_can_be_had_and_may_be_passed_on(entry: ModelEntry) -> None:
    if entry.availability is not Availability.READY:
        assert entry.sha256 is None
        checkpoints = [source.file_name for source in entry.sources if (source.url or "").startswith("https://")]
        assert len(checkpoints) == (entry.availability is Availability.CONVERT)
        assert all(name.endswith((".pt", ".pth", ".ckpt")) for name in checkpoints)
        return
    assert entry.spec is not None
    assert entry.spec.labels or entry.kind is ModelKind.DEPTH
    assert not any(word in entry.licence for word in NEVER_A_DEFAULT)
    urls = [source.url for source in entry.sources if source.url]
    assert urls or entry.name.startswith("demo-")
    assert all(url.startswith("https://") and url.endswith(".onnx") for url in urls)


def test_the_shipped_models_have_a_golden_run_and_no_other_file_lies_there() -> None:
    proofs = read_proofs()
    assert {name for name, _ in proofs} == {"demo-detector", "demo-species"}
    assert {path.stem for path in (DATA / "proofs").iterdir()} == {name for name, _ in proofs}
    assert all(len(proof.inputs) == 3 for proof in proofs.values())


@pytest.mark.parametrize(
    ("label", "observation_type"),
    [
        ("blank", None),
        ("empty", None),
        ("human", ObjectType.HUMAN),
        ("person", ObjectType.HUMAN),
        ("vehicle", ObjectType.VEHICLE),
        ("animal", ObjectType.ANIMAL),
        ("unknown", None),
    ],
)
def test_a_label_of_a_classifier_that_is_no_species_is_mapped_without_a_map(
    label: str, observation_type: ObjectType | None
) -> None:
    mapped = map_species([label, label.upper(), f"{label} deer"], None)
    assert [(each.observation_type, each.rank) for each in mapped] == [
        (observation_type, NO_RANK),
        (observation_type, NO_RANK),
        (None, None),
    ]


@pytest.mark.parametrize("path", sorted((DATA / "categories").iterdir()), ids=lambda path: path.name)
def test_a_category_file_names_each_label_once_and_a_taxon_with_its_rank(path: Path) -> None:
    labels = read_labels(path)
    assert len({label.label for label in labels}) == len(labels) > 0
    for label in labels:
        assert (label.scientific_name is None) == (label.rank in (None, NO_RANK))
        assert all(key.key.isdigit() for key in label.taxon_keys if key.checklist == "gbif")
    used = [entry.spec.labels for entry in ENTRIES if entry.spec]
    assert tuple(labels) in used


@pytest.mark.parametrize(
    ("name", "version", "classes"),
    [
        ("yolox-s", "0.1.1rc0", 80),
        ("megadetector-v6-yolov10-c", "6.0.0", 3),
        ("deepfaune-classifier", "1.3", 34),
        ("deepfaune-classifier", "1.5", 40),
        ("trapper-ai", "02.2024", 18),
        ("speciesnet", "4", 2498),
    ],
)
def test_a_model_has_as_many_labels_as_its_publisher_says(name: str, version: str, classes: int) -> None:
    (entry,) = [one for one in ENTRIES if (one.name, one.version) == (name, version)]
    assert entry.spec is not None
    assert len(entry.spec.labels) == classes


def test_a_detector_of_species_gives_observation_type_and_taxon() -> None:
    (entry,) = [one for one in ENTRIES if one.name == "trapper-ai"]
    assert entry.spec is not None
    assert all(one.observation_type is ObjectType.ANIMAL and one.scientific_name for one in entry.spec.labels)


def test_speciesnet_tells_humans_vehicles_and_blanks_from_animals() -> None:
    labels = {one.label.rpartition(";")[2]: one for one in read_labels(DATA / "categories" / "speciesnet-v4.csv")}
    assert labels["human"].observation_type is ObjectType.HUMAN
    assert labels["vehicle"].observation_type is ObjectType.VEHICLE
    assert labels["blank"].observation_type is None
    goat = labels["domestic goat"]
    assert (goat.scientific_name, goat.rank) == ("Capra aegagrus hircus", "subspecies")


def test_coco_s_labels_become_animals_humans_and_vehicles() -> None:
    labels = map_labels([str(index) for index in range(80)], read_label_map("coco"))
    kinds = [label.observation_type for label in labels]
    assert kinds[0] is ObjectType.HUMAN
    assert kinds[1:9] == [ObjectType.VEHICLE] * 8
    assert kinds[14:24] == [ObjectType.ANIMAL] * 10
    assert all(kind is None for kind in kinds[9:14] + kinds[24:])


def test_megadetector_s_person_is_a_human() -> None:
    labels = map_labels(["animal", "person", "vehicle"], None)
    assert [label.observation_type for label in labels] == list(ObjectType)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("animals: [0]", "animals: .*; a map has lists of labels: animal, human, vehicle"),
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


_ENTRY = "name: x, version: '1', kind: detection, availability: bring, licence: MIT"
_SPEC = "spec: {predictor: yolov8, preprocessing: {width: 64, height: 64}, thresholds: {typical: 1, conservative: 0}}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: [{name: x, colour: red}]", r"entry 1 \(x\)"),
        ("models: [5]", "entry 1 is no map"),
        ("models: {}", "a list `models`"),
        ("[]", "a list `models`"),
        ("models: [[[[", "not YAML"),
        ("models: [{released: 2024-99-99}]", "not YAML"),
        ("a: &a [*a]\nmodels: *a", "entry 1 is no map"),
        (f"models: [{{{_ENTRY}}}, {{{_ENTRY}}}]", "x 1 is listed twice"),
        (f"models: [{{{_ENTRY}, {_SPEC}, category_file: ../../secret.yaml}}]", "category_file"),
        (f"models: [{{{_ENTRY}, {_SPEC}, category_file: 5}}]", "category_file"),
        (f"models: [{{{_ENTRY}, category_file: categories/a.yaml}}]", "no spec"),
        (f"models: [{{{_ENTRY}, {_SPEC}, category_file: categories/gone.yaml}}]", "cannot be read"),
        (f"models: [{{{_ENTRY}, {_SPEC}, proof_file: ../secret.json}}]", "proof_file"),
        (f"models: [{{{_ENTRY.replace('x', 'NONE', 1)}, {_SPEC}}}]", "'NONE' is a reserved word"),
        (f"models: [{{{_ENTRY}, {_SPEC}, sources: [{{url: 'file:///etc/passwd', file_name: x}}]}}]", "sources.0.url"),
        (f"models: [{{{_ENTRY}, {_SPEC}, sources: [{{file_name: '..'}}]}}]", "must stay below"),
    ],
)
def test_a_manifest_that_cannot_be_used_names_the_entry_and_the_field(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(text)
    with pytest.raises(CatalogMalformed, match=said):
        read_manifest(path)


@pytest.mark.parametrize(("proof", "said"), [("{}", "provider"), ("[", "JSON"), (None, "cannot be read")])
def test_a_golden_run_that_cannot_be_used_names_its_file(tmp_path: Path, proof: str | None, said: str) -> None:
    (tmp_path / "proofs").mkdir()
    if proof is not None:
        (tmp_path / "proofs" / "x.json").write_text(proof)
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(f"models: [{{{_ENTRY}, {_SPEC}, proof_file: proofs/x.json}}]")
    with pytest.raises(CatalogMalformed, match=said) as refused:
        read_proofs(manifest)
    assert "x.json" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "- {label: fox}\n- {label: fox}", "'fox' is label 0 and label 1"),
        ("b.yaml", "- {label: ''}", "0.label"),
        ("c.yaml", "- {label: fox, observation_type: plant}", "0.observation_type"),
        ("d.yaml", "label: fox", "list"),
        ("e.csv", "label,colour\nfox,red", "'colour'"),
        ("f.csv", "label,rank\nfox,species,more", "line 2: 3 cells, not 2"),
        ("g.csv", 'label\n"fox', "line 2"),
        ("h.csv", "label,taxon_keys\nfox,gbif", "taxon_keys"),
        ("i.csv", "label,observation_type\n,animal", "0.label"),
    ],
)
def test_a_category_file_that_cannot_be_used_says_where(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(CatalogMalformed, match=said) as refused:
        read_labels(path)
    assert name in str(refused.value)


def test_a_category_file_in_another_encoding_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes("label\nblåvinge".encode("latin-1"))
    with pytest.raises(CatalogMalformed, match="not UTF-8"):
        read_labels(path)


def test_speciesnet_labels_spell_out_their_lineage() -> None:
    deer = "5c7ce479;mammalia;cetartiodactyla;cervidae;odocoileus;virginianus;white-tailed deer"
    (label, family, plain) = map_species([deer, "1;mammalia;carnivora;felidae;;;cat family", "red fox"], None)
    assert label.lineage == {
        "class": "Mammalia",
        "order": "Cetartiodactyla",
        "family": "Cervidae",
        "genus": "Odocoileus",
        "species": "Odocoileus virginianus",
    }
    assert family.lineage == {"class": "Mammalia", "order": "Carnivora", "family": "Felidae"}
    assert (family.scientific_name, family.rank, family.common_name) == ("Felidae", "family", "cat family")
    assert list(lineage_of("1;aves;galliformes;phasianidae;gallus;gallus domesticus;chicken").items())[-2:] == [
        ("species", "Gallus gallus"),
        ("subspecies", "Gallus gallus domesticus"),
    ]
    assert plain.lineage == {}
    assert "lineage" not in plain.model_dump()
    lineages = [each.lineage for each in read_labels(DATA / "categories" / "speciesnet-v4.csv")]
    assert sum("genus" in each for each in lineages) > 2_000


def test_a_category_file_gives_labels_a_lineage(tmp_path: Path) -> None:
    file = tmp_path / "categories.csv"
    file.write_text("label,lineage\nlynx,family:Felidae; Genus:Lynx\nstone,\n", "utf-8")
    assert [each.lineage for each in read_labels(file)] == [{"family": "Felidae", "genus": "Lynx"}, {}]
    file.write_text("label,lineage\nlynx,Felidae\n", "utf-8")
    with pytest.raises(CatalogMalformed, match=r"categories.csv: 0.lineage"):
        read_labels(file)
