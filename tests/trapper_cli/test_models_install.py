import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from tests.support.networks import colour_detector, fixed_output
from tests.support.weights_servers import WeightsServer, serving_weights
from trapper_cli.models.add import ModelRefused, inspect_file
from trapper_cli.models.download import fetch_weights, find_origin
from trapper_cli.models.install import (
    completed,
    converted,
    find_entry,
    inspection_request,
    install,
    install_file,
    why_not,
)
from trapper_cli.runs.offer_detector import BETTER, PERMISSIVE, RECOMMENDED, recommended, settle
from trapper_client.client import TrapperClient
from trapper_client.errors import Failure, Unreachable, WrongUsage
from trapper_client.manager import ManagerClient
from trapper_schemas.catalog import map_labels, read_label_map, read_manifest
from trapper_schemas.v1.models import ModelEntry, ModelSpec, Preprocessing, Source, Thresholds

NOWHERE = "http://127.0.0.1:9/none.onnx"
PATH = "/colours.onnx"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WeightsServer]:
    with serving_weights() as served:
        served.files[PATH] = colour_detector(tmp_path / "made.onnx").read_bytes()
        yield served


def entry_of(url: str | None, **changes: Any) -> dict[str, Any]:
    """An unpinned entry of the catalogue, as the Manager lists it."""
    fields: dict[str, Any] = {
        "name": RECOMMENDED[0],
        "version": "1",
        "kind": "detection",
        "availability": "ready",
        "sources": [Source(url=url, file_name="colours.onnx")],
        "spec": ModelSpec(
            predictor="yolov8",
            preprocessing=Preprocessing(width=128, height=128),
            labels=map_labels(["animal", "person", "vehicle"], read_label_map("megadetector")),
            thresholds=Thresholds(typical=0.25, conservative=0.05),
        ),
        "licence": "Apache-2.0",
        **changes,
    }
    return {**ModelEntry(**fields).model_dump(mode="json"), "held": False, "state": "published", "origin": "manifest"}


def entry_at(url: str | None, **changes: Any) -> ModelEntry:
    return find_entry([entry_of(url, **changes)], RECOMMENDED[0])[0]


def test_the_file_is_tried_as_the_entry_says_and_pinned_by_its_hash(server: WeightsServer, tmp_path: Path) -> None:
    entry = entry_at(server.url + PATH)
    fetched = fetch_weights(entry, find_origin(entry), tmp_path)
    complete = completed(entry, inspect_file(fetched.path, inspection_request(entry)))
    content = server.files[PATH]
    assert complete.sha256 == hashlib.sha256(content).hexdigest()
    assert complete.size_bytes == len(content)
    assert complete.spec == entry.spec
    assert (complete.name, complete.version, complete.licence) == (entry.name, entry.version, "Apache-2.0")


def install_at_nobody(entry: ModelEntry, folder: Path) -> None:
    """With services that are not there: a single call to one of them would fail with another sentence."""
    with ManagerClient(NOWHERE, "x") as manager, TrapperClient(NOWHERE, "x") as expert:
        install(manager, expert, entry, find_origin(entry), folder)


def test_another_hash_than_the_pin_is_refused_before_anything_is_registered(
    server: WeightsServer, tmp_path: Path
) -> None:
    entry = entry_at(server.url + PATH, sha256="0" * 64)
    with pytest.raises(Failure, match="was expected, so it was discarded"):
        install_at_nobody(entry, tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_more_bytes_than_the_entry_says_are_refused(server: WeightsServer, tmp_path: Path) -> None:
    entry = entry_at(server.url + PATH, size_bytes=100)
    with pytest.raises(Failure, match="larger than the 100 bytes"):
        fetch_weights(entry, find_origin(entry), tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_file_that_is_no_such_model_is_refused_and_not_kept(server: WeightsServer, tmp_path: Path) -> None:
    server.files[PATH] = fixed_output(tmp_path / "five.onnx", np.zeros((9, 84), np.float32), size=128).read_bytes()
    entry = entry_at(server.url + PATH)
    with pytest.raises(ModelRefused, match="4 \\+ 3 classes"):
        install_at_nobody(entry, tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"availability": "convert"}, "convert it"),
        ({"availability": "bring"}, "get the file yourself"),
        ({"format": "hef"}, "only ONNX"),
        ({"spec": None}, "how"),
        ({"sources": []}, "no address"),
    ],
)
def test_what_cannot_be_installed_says_what_to_do(changes: dict[str, Any], told: str) -> None:
    refusal = why_not(entry_at(NOWHERE, **changes))
    assert refusal is not None
    assert told in refusal
    assert "docs/models.md" in refusal


def test_every_entry_that_the_manifest_gives_an_address_and_labels_can_be_asked_for() -> None:
    entries = read_manifest()
    ready = [entry for entry in entries if why_not(entry) is None]
    assert {*RECOMMENDED, *BETTER} <= {entry.name for entry in ready}
    for entry in ready:
        json.dumps(inspection_request(entry))


def test_who_has_no_network_is_told_how_to_bring_the_file() -> None:
    with pytest.raises(Unreachable, match=f"get {NOWHERE} elsewhere, then: .* {RECOMMENDED[0]} --file FILE"):
        find_origin(entry_at(NOWHERE))


def test_an_entry_that_is_converted_says_where_its_checkpoint_lies_and_keeps_no_address_of_it(tmp_path: Path) -> None:
    """The address is the publisher's, of a file that no worker could run."""
    entry = entry_at("https://example.org/made.pt", availability="convert")
    assert "get https://example.org/made.pt, convert it" in str(why_not(entry))
    path = colour_detector(tmp_path / "made.onnx")
    complete = converted(entry, completed(entry, inspect_file(path, inspection_request(entry))))
    assert (complete.availability.value, [source.url for source in complete.sources]) == ("ready", [None])
    ready = entry_at("https://example.org/made.onnx")
    assert converted(ready, ready).sources == ready.sources


def test_the_file_of_another_entry_is_refused(tmp_path: Path) -> None:
    entry = entry_at(NOWHERE)
    path = colour_detector(tmp_path / "made.onnx")
    inspected = inspect_file(path, inspection_request(entry))
    other = {"name": "other-model", "version": "3", "sha256": inspected.entry["sha256"]}

    class Known(ManagerClient):
        def models(self, *, retired: bool = False) -> list[dict[str, Any]]:  # noqa: ARG002 - as the real one is asked
            return [other]

    with Known(NOWHERE, "x") as manager, TrapperClient(NOWHERE, "x") as expert:  # noqa: SIM117
        with pytest.raises(Failure, match=f"made.onnx is other-model 3, not {entry.name}"):
            install_file(manager, expert, entry, path)


def test_an_unknown_name_is_wrong_usage_and_a_version_can_be_named() -> None:
    catalogue = [entry_of(NOWHERE, version="1", availability="convert"), entry_of(NOWHERE, version="2")]
    assert find_entry(catalogue, RECOMMENDED[0])[0].version == "2"
    assert find_entry(catalogue, f"{RECOMMENDED[0]}@1")[0].version == "1"
    with pytest.raises(WrongUsage, match="no model 'nope'"):
        find_entry(catalogue, "nope")


def never(*_: object) -> Any:
    raise AssertionError("this was not to be called")


def test_what_is_offered_is_small_permissive_and_shown_with_its_licence(
    server: WeightsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    def decline(question: str) -> bool:
        assert "Download" in question
        return False

    assert settle([entry_of(server.url + PATH)], decline, never) is None
    told = capsys.readouterr().err
    assert f"{RECOMMENDED[0]}, {len(server.files[PATH]) / 1e6:.1f} MB, licence Apache-2.0, from {server.url}" in told
    assert BETTER[0] in told
    assert [method for method, _ in server.asked] == ["HEAD"]


@pytest.mark.parametrize("licence", ["AGPL-3.0", "GPL-3.0", "CC-BY-NC-4.0", "see the publisher's card"])
def test_other_licences_are_never_offered(server: WeightsServer, licence: str) -> None:
    assert settle([entry_of(server.url + PATH, licence=licence)], never, never) is None
    assert server.asked == []


def test_what_is_recommended_is_permissive_in_the_manifest_itself() -> None:
    manifest = [entry.model_dump(mode="json") for entry in read_manifest()]
    offered = recommended(manifest)
    assert offered is not None
    assert offered.name == "yolox-s"
    assert {entry["licence"] for entry in manifest if entry["name"] in BETTER} <= PERMISSIVE


def test_without_a_network_nothing_is_asked_and_one_sentence_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert settle([entry_of(NOWHERE)], never, never) is None
    assert capsys.readouterr().err.count("\n") == 1


def abort(_: str) -> bool:
    raise typer.Abort


def refuse(*_: object) -> ModelEntry:
    raise ModelRefused("layout", "five classes")


def full(*_: object) -> ModelEntry:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("ask", "get", "told"),
    [
        (abort, never, "nothing was downloaded"),
        (lambda _: True, refuse, "Refused (layout)"),  # type: ignore[reportUnknownLambdaType]  # as short as can be
        (lambda _: True, full, "No space left"),  # type: ignore[reportUnknownLambdaType]  # as short as can be
    ],
)
def test_whatever_goes_wrong_is_a_sentence_and_the_run_goes_on(
    server: WeightsServer, capsys: pytest.CaptureFixture[str], ask: Any, get: Any, told: str
) -> None:
    assert settle([entry_of(server.url + PATH)], ask, get) is None
    assert told in capsys.readouterr().err.splitlines()[-1]
