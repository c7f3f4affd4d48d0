"""Stages only go forward, grants open one job only, and models with other weights are other models."""

import pytest

from expert.jobs.issue_grant import Grant, issue_grant, read_grant
from expert.jobs.state import JobStage, after_hearing, backoff_seconds, models_key, passes
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.jobs import JobState


@pytest.mark.parametrize(
    ("stage", "heard", "waiting", "then"),
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
def test_a_stage_only_goes_forward(stage: JobStage, heard: JobState, waiting: int, then: JobStage) -> None:
    assert after_hearing(stage, heard, unacknowledged=waiting) is then


def test_a_grant_is_read_back_and_a_changed_one_is_not() -> None:
    grant = Grant(uuid7(), uuid7())
    value = issue_grant("secret", grant)
    assert read_grant("secret", value) == grant
    assert read_grant("another secret", value) is None
    assert read_grant("secret", value.replace(str(grant.job_id), str(uuid7()))) is None
    for nonsense in ("", "a.b.c.d", value + ".x", value[:-1]):
        assert read_grant("secret", nonsense) is None


def test_the_key_of_models_ignores_thresholds_and_knows_weights() -> None:
    one = {"kind": "detection", "model": {"name": "a", "version": "1", "sha256": "x"}, "threshold": 0.1}
    assert models_key([one]) == models_key([{**one, "threshold": 0.9}])
    assert models_key([one]) != models_key([{**one, "model": {**one["model"], "sha256": "y"}}])  # type: ignore[dict-item]  # a map
    assert models_key([one]) != models_key([one, one])


def test_pauses_grow_to_a_limit() -> None:
    assert [backoff_seconds(n, first=1, longest=60) for n in (0, 1, 3, 50)] == [1, 2, 8, 60]
    assert [passes(status) for status in (400, 401, 404, 409, 422, 429, 500, 503)] == [
        False, True, False, False, False, True, True, True,
    ]  # fmt: skip
