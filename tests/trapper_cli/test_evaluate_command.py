"""`trapper postprocess evaluate` as a person calls it: the Expert's own code, and no stack."""

import json
from pathlib import Path
from typing import Any

import pytest

from trapper_client.app import run

DOG = {"label": "dog", "lineage": {"Species": "Canis familiaris", "genus": "Canis", "family": ""}}
WOLF = {"label": "wolf", "lineage": {"species": "Canis lupus", "genus": "Canis", "superfamily": "Canoidea"}}


def _evaluate(folder: Path, method: str, cases: object) -> tuple[int, Any]:
    source, out = folder / "cases.json", folder / "out.json"
    source.write_text(json.dumps(cases), "utf-8")
    code = run(["postprocess", "evaluate", "--method", method, "--cases", str(source), "--out", str(out)])
    return code, json.loads(out.read_text("utf-8"))["cases"] if out.exists() else None


def test_class_masking_is_decided_per_case(tmp_path: Path) -> None:
    labels = ["a", "b", "c"]
    code, decided = _evaluate(
        tmp_path,
        "class_masking",
        {
            "cases": [
                {"id": "p", "labels": labels, "probabilities": [0.6, 0.3, 0.1], "allowed": ["b", "c", "z"]},
                {"id": 2, "labels": labels, "logits": [0, 5, 5], "allowed": ["b", "c"], "reweight": False},
                {"id": "none", "labels": labels, "probabilities": [1, 0, 0], "allowed": ["b"], "reweight": True},
            ]
        },
    )
    assert code == 0
    assert decided == [
        {"id": "p", "label": "b", "score": pytest.approx(0.75)},
        {"id": 2, "label": "b", "score": pytest.approx(0.498321, abs=1e-6)},
        {"id": "none", "label": None, "score": None},
    ]


def test_rank_rollup_is_decided_per_case(tmp_path: Path) -> None:
    case = {"labels": [DOG, WOLF, {"label": "blank", "lineage": {}}], "thresholds": {"SPECIES": 0.7, "Genus": 0.6}}
    code, decided = _evaluate(
        tmp_path,
        "rank_rollup",
        {
            "cases": [
                {"id": "g", **case, "scores": [0.5, 0.3, 0.2], "mode": "lineage", "strictly_above": False},
                {"id": "n", **case, "scores": [0.2, 0.2, 0.6]},
                {"id": "none", **case, "scores": None},
            ]
        },
    )
    assert code == 0
    assert decided == [
        {"id": "g", "rank": "genus", "taxon": "Canis", "score": pytest.approx(0.8)},
        {"id": "n", "rank": None, "taxon": None, "score": None},
        {"id": "none", "rank": None, "taxon": None, "score": None},
    ]


@pytest.mark.parametrize(
    ("method", "case", "reason"),
    [
        ("class_masking", {"labels": ["a"], "logits": [1, 2], "allowed": ["a"]}, "logits has 2 values for 1 labels"),
        ("class_masking", {"labels": ["a"], "logits": [1], "allowed": ["b"]}, "no class is kept"),
        ("class_masking", {"labels": ["a"], "logits": [float("nan")], "allowed": ["a"]}, "NaN or +infinity"),
        ("class_masking", {"labels": ["a"], "probabilities": [2], "allowed": ["a"]}, "probabilities.0"),
        ("class_masking", {"labels": ["a"], "allowed": ["a"]}, "either probabilities or logits"),
        ("class_masking", {"labels": ["a"], "logits": [1], "allowed": ["a"], "reweigth": True}, "reweigth"),
        ("rank_rollup", {"labels": [DOG], "scores": [0.5], "thresholds": {"genus": 0}}, "thresholds.genus"),
        ("rank_rollup", {"labels": [DOG], "scores": [0.5], "thresholds": {"genes": 0.5}}, "thresholds.genes"),
        ("rank_rollup", {"labels": [DOG], "scores": [0.5, 0.1]}, "scores has 2 values for 1 labels"),
    ],
)
def test_refused_case_has_its_reason_and_the_others_are_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], method: str, case: dict[str, Any], reason: str
) -> None:
    good = {"id": "good", **case}
    good |= {"logits": [1], "allowed": ["a"]} if method == "class_masking" else {"scores": [0.5], "thresholds": {}}
    good.pop("reweigth", None)
    good.pop("probabilities", None)
    code, decided = _evaluate(tmp_path, method, {"cases": [{"id": "bad", **case}, {**good, "labels": case["labels"]}]})
    assert code == 1
    assert reason in decided[0].pop("error")
    assert set(decided[0].values()) == {"bad", None}
    assert "error" not in decided[1]
    assert "case 0 (id bad): " in capsys.readouterr().err


@pytest.mark.parametrize("document", [[], {"case": []}, {"cases": {}}])
def test_file_without_cases_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], document: object
) -> None:
    assert _evaluate(tmp_path, "class_masking", document) == (1, None)
    assert "no list of cases" in capsys.readouterr().err


def test_file_that_is_missing_is_wrong_usage(tmp_path: Path) -> None:
    missing, out = str(tmp_path / "cases.json"), str(tmp_path / "out.json")
    words = ["postprocess", "evaluate", "--method", "class_masking", "--cases", missing, "--out", out]
    assert run(words) == 2
