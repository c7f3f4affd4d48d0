"""Stages only go forward, grants open one job only, and models with other weights are other models."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from expert.jobs.issue_grant import Grant, issue_grant, read_grant
from expert.jobs.state import FrozenJobConfig, JobStage, ProviderStage, backoff_seconds, passes, stage_after_poll
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.jobs import JobConfig, JobRequest, JobState, Stage
from trapper_schemas.v1.models import ModelKind, ModelRef


def stage(*, kind: ModelKind = ModelKind.DETECTION, sha256: str = "a" * 64, **changes: Any) -> ProviderStage:
    model = ModelRef(name="a", version="1", sha256=sha256)
    ids = {"provider_id": uuid7(), "algorithm_id": uuid7(), "category_map_id": uuid7()}
    return ProviderStage(kind=kind, model=model, labels=3, **ids, **changes)


def frozen_config(*stages: ProviderStage) -> FrozenJobConfig:
    return FrozenJobConfig(
        stages=stages, detection_threshold=0.2, classification_threshold=0.5, nms_iou=0.45, match_iou=0.5
    )


@pytest.mark.parametrize(
    ("before", "state", "waiting", "then"),
    [
        (JobStage.SUBMITTED, JobState.ACCEPTED, 0, JobStage.SUBMITTED),
        (JobStage.SUBMITTED, JobState.PLANNED, 0, JobStage.QUEUED),
        (JobStage.RUNNING, JobState.PLANNED, 0, JobStage.RUNNING),
        (JobStage.QUEUED, JobState.PARTIAL, 2, JobStage.FETCH_RESULTS),
        (JobStage.FETCH_RESULTS, JobState.FINISHED, 0, JobStage.INGESTING),
        (JobStage.INGESTING, JobState.FINISHED, 3, JobStage.INGESTING),
        (JobStage.RUNNING, JobState.CANCELLED, 0, JobStage.CANCELLED),
        (JobStage.RUNNING, JobState.FAILED, 2, JobStage.FETCH_RESULTS),
        (JobStage.RUNNING, JobState.FAILED, 0, JobStage.INGESTING),
        (JobStage.CANCELLED, JobState.RUNNING, 0, JobStage.CANCELLED),
        (JobStage.FINISHED, JobState.CANCELLED, 0, JobStage.FINISHED),
        (JobStage.CREATED, JobState.RUNNING, 0, JobStage.CREATED),
    ],
)
def test_a_stage_only_goes_forward(before: JobStage, state: JobState, waiting: int, then: JobStage) -> None:
    assert stage_after_poll(before, state, unacknowledged=waiting) is then


def test_a_grant_is_read_back_and_a_changed_one_is_not() -> None:
    grant = Grant(uuid7(), uuid7())
    value = issue_grant("secret", grant)
    assert read_grant("secret", value) == grant
    assert read_grant("another secret", value) is None
    assert read_grant("secret", value.replace(str(grant.job_id), str(uuid7()))) is None
    for nonsense in ("", "a.b.c.d", value + ".x", value[:-1]):
        assert read_grant("secret", nonsense) is None


def test_the_key_of_models_ignores_thresholds_and_knows_weights() -> None:
    config = frozen_config(stage(threshold=0.1))
    assert config.models_key == frozen_config(stage(threshold=0.9)).models_key
    assert config.models_key != frozen_config(stage(sha256="b" * 64)).models_key
    assert config.models_key != frozen_config(stage(), stage(kind=ModelKind.CLASSIFICATION)).models_key


def test_a_configuration_survives_its_document_and_the_manager_is_sent_only_the_wires_fields() -> None:
    config = frozen_config(stage(), stage(kind=ModelKind.CLASSIFICATION))
    assert FrozenJobConfig.model_validate_json(config.model_dump_json()) == config
    sent = json.loads(JobRequest(job_config=config, media_grant="g").model_dump_json())["job_config"]
    assert set(sent) == set(JobConfig.model_fields)
    assert [set(sent_stage) for sent_stage in sent["stages"]] == [set(Stage.model_fields)] * 2


def test_a_configuration_begins_with_detection_and_has_one_stage_of_a_kind() -> None:
    with pytest.raises(ValidationError, match="the first stage is a detection"):
        frozen_config(stage(kind=ModelKind.CLASSIFICATION))
    with pytest.raises(ValidationError, match="two stages are of the same kind"):
        frozen_config(stage(), stage())
    with pytest.raises(ValidationError, match="frozen"):
        frozen_config(stage()).nms_iou = 0.1  # type: ignore[misc]  # that it is refused is the test


def test_pauses_grow_to_a_limit() -> None:
    assert [backoff_seconds(n, first=1, longest=60) for n in (0, 1, 3, 50)] == [1, 2, 8, 60]
    assert [passes(status) for status in (400, 401, 404, 409, 422, 429, 500, 503)] == [
        False, True, False, False, False, True, True, True,
    ]  # fmt: skip
