import pytest

from trapper_cli.runs.choose_models import Choice, choose_models
from trapper_client.contract import Availability, ModelKind, ProviderReply
from trapper_client.errors import WrongUsage


def _provider(name: str, kind: str = "detection", version: str = "1", *, active: bool = True) -> ProviderReply:
    return ProviderReply(
        id=f"{name}-{version}",
        provider_type=ModelKind(kind),
        name=name,
        version=version,
        sha256=f"{name}-{version}",
        availability=Availability.READY,
        is_active=active,
        threshold_typical=None,
        threshold_conservative=None,
        connection_id="c",
        algorithm_id=None,
        is_unpinned=False,
        nms_iou=None,
        embedding_dimension=None,
        licence="MIT",
        description="",
        blocked=None,
    )


DEMO = [_provider("demo-detector"), _provider("demo-species", "classification")]
LISTED = [_provider("yolox-s"), _provider("deepfaune", "classification")]
REAL = _provider("megadetector")
REAL_SPECIES = _provider("my-species", "classification")


def _choose(
    *more: ProviderReply, detector: str = "auto", species: str = "auto", in_use: tuple[str, ...] = ()
) -> Choice:
    here = [*DEMO, *more]
    installed = {each.sha256 for each in here if each.sha256}
    return choose_models([*here, *LISTED], detector=detector, species=species, installed=installed, in_use=in_use)


def test_the_demo_models_run_when_nothing_real_is_installed() -> None:
    choice = _choose()
    assert choice.detector.name == "demo-detector"
    assert choice.species is not None
    assert choice.species.name == "demo-species"
    assert choice.is_demo


def test_an_installed_real_detector_is_chosen_and_gets_no_demo_species() -> None:
    choice = _choose(REAL)
    assert choice.detector.name == "megadetector"
    assert choice.species is None


def test_an_installed_real_classifier_goes_with_a_real_detector_and_the_demo_one_with_its_own() -> None:
    assert [each.species and each.species.name for each in (_choose(REAL, REAL_SPECIES), _choose(REAL_SPECIES))] == [
        "my-species",
        "demo-species",
    ]


def test_of_several_real_ones_the_project_keeps_its_own() -> None:
    other = _provider("alpha")
    assert _choose(REAL, other).detector.name == "alpha"
    assert _choose(REAL, other, in_use=(REAL.id,)).detector.name == "megadetector"


def test_a_name_is_taken_as_it_is_and_none_means_none() -> None:
    choice = _choose(REAL, detector="demo-detector", species="none")
    assert choice.detector.name == "demo-detector"
    assert choice.species is None


def test_of_several_versions_the_newest_is_taken_unless_one_is_named() -> None:
    newer = _provider("megadetector", version="2")
    assert _choose(REAL, newer, detector="megadetector").detector.version == "2"
    assert _choose(REAL, newer, detector="megadetector@1").detector.version == "1"


def test_an_unknown_name_lists_those_that_are_known() -> None:
    with pytest.raises(WrongUsage, match=r"no detector 'nope'. Known: demo-detector, yolox-s."):
        _choose(detector="nope")
    with pytest.raises(WrongUsage, match="no species model 'demo-detector'"):
        _choose(species="demo-detector")


def test_a_model_that_is_not_installed_is_refused_with_the_command_that_installs_it() -> None:
    with pytest.raises(WrongUsage, match=r"'yolox-s' is not installed\. Install it: trapper models install yolox-s"):
        _choose(detector="yolox-s")
    with pytest.raises(WrongUsage, match="species model 'deepfaune' is not installed"):
        _choose(species="deepfaune")


def test_the_choice_is_named_as_a_projects_settings_and_as_a_jobs_overrides() -> None:
    overrides = _choose(REAL).overrides().model_dump(exclude_unset=True)
    assert overrides == {
        "object_detection_ai_model": REAL.id,
        "species_ai_model": None,
        "embedding_ai_model": None,
    }


def test_what_was_switched_off_is_not_chosen() -> None:
    assert _choose(_provider("megadetector", active=False)).detector.name == "demo-detector"


def test_without_any_detector_the_command_that_installs_one_is_named() -> None:
    with pytest.raises(WrongUsage, match="trapper models install"):
        choose_models(LISTED, detector="auto", species="auto", installed=set())


def test_a_species_model_that_gives_features_is_the_embedding_model_too() -> None:
    species = REAL_SPECIES.model_copy(update={"embedding_dimension": 64})
    assert _choose(REAL, species).overrides().embedding_ai_model == species.id
    assert _choose(REAL, REAL_SPECIES).overrides().embedding_ai_model is None
