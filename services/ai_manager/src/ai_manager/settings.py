"""AI_MANAGER_* settings from the environment, checked once at startup."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from trapper_kit.settings import BackgroundSettings
from trapper_kit.settings import Intervals as KitIntervals
from trapper_schemas.urls import StoreAddress

RUNTIMES = (
    "onnx-cpu",
    "onnx-cuda",
    "onnx-tensorrt",
    "onnx-rocm",
    "onnx-openvino",
    "onnx-coreml",
    "onnx-directml",
    "hailo",
)


class Intervals(KitIntervals):
    """Waiting times of the Manager and of its workers, in seconds."""

    lease: float = Field(default=60.0, gt=0, description="how long a batch may stay silent before it is taken back")
    renew: float = Field(default=20.0, gt=0, description="between two heartbeats of a worker; a third of a lease")
    poll: float = Field(default=10.0, gt=0, le=30, description="how long one claim waits for work")
    retry: float = Field(default=2.0, gt=0, description="a worker's pause after a call that failed")
    alive: float = Field(default=90.0, gt=0, description="after this silence a worker no longer counts as alive")
    retention: float = Field(default=3600.0, gt=0, description="between two looks for what need not be kept any more")
    orphans: float = Field(default=21600.0, gt=0, description="between two looks for results that no row names")


class Settings(BackgroundSettings):
    """All settings; `python -m ai_manager.commands settings` lists them."""

    model_config = SettingsConfigDict(env_prefix="AI_MANAGER_")

    database_url: SecretStr = Field(description="PostgreSQL: postgresql://user:password@host/database")
    secret_key: SecretStr = Field(min_length=16, description="tokens are stored as HMACs under this key")
    blobs_dir: Path | None = Field(default=None, description="folder for larger results and weights")
    blobs_url: StoreAddress | None = Field(default=None, description="s3://bucket/prefix instead of a folder")
    intervals: Intervals = Field(default_factory=Intervals)
    pool_size: int = Field(default=10, ge=1, le=200, description="database connections of one process")
    task_threads: int = Field(default=2, ge=1, le=64, description="messages worked on at once by one task process")
    tasks_address: str | None = Field(
        default="127.0.0.1:34812", description="where the task process serves /metrics and /readyz; empty: nowhere"
    )
    runtimes: list[str] = Field(default_factory=lambda: list(RUNTIMES), description="what workers may run")
    losses_allowed: int = Field(default=5, ge=1, le=100, description="losses after which a batch is given up")
    batch_size: int = Field(default=32, ge=1, le=10_000, description="resources in the first and last batches of a job")
    batch_size_limit: int = Field(default=512, ge=1, le=10_000, description="resources per batch at most")
    batch_target_seconds: float = Field(default=90.0, gt=0, description="work in one batch at most, by measured speed")
    waiting_base: int = Field(default=8, ge=1, description="batches kept waiting per job beside two per live worker")
    affinity_turns: int = Field(default=16, ge=0, description="head start in the queue of models already in memory")
    enrolment_minutes: int = Field(default=60, ge=1, description="how long an enrolment token is good")
    credential_days: int = Field(default=90, ge=1, description="how long a silent worker's credential lives")
    credential_renew_below: float = Field(
        default=0.67, gt=0, lt=1, description="share of a credential's life below which a heartbeat brings another"
    )
    offline_lease_days: float = Field(
        default=7.0, gt=0, le=90, description="longest lease of a worker that was enrolled to work without a link"
    )
    blob_days: float = Field(default=7.0, ge=0, description="a result is forgotten so long after its acknowledgement")
    job_days: float = Field(
        default=30.0, ge=0, description="a closed job is reduced to its row so long after the last acknowledgement"
    )
    orphan_hours: float = Field(default=24.0, ge=1, description="age at which a result that no row names is removed")
    submission_limit_bytes: int = Field(default=200_000_000, ge=1_000, description="one page of a job, decompressed")
    results_in_rows_bytes: int = Field(
        default=32 * 1024, ge=0, le=1024 * 1024, description="a result of at most so many bytes lies in its row"
    )
    results_limit_bytes: int = Field(default=64 * 1024 * 1024, ge=1_000, description="one result blob, compressed")
    content_limit_bytes: int = Field(default=512 * 1024 * 1024, ge=1_000, description="one result blob, decompressed")
    weights_limit_bytes: int = Field(default=8 * 1024**3, ge=1_000, description="one model's weights")
    late_results_per_day: int = Field(default=100, ge=0, description="late results noted per worker and day")
    late_results_days: float = Field(default=90.0, ge=1, description="the note of a late result is kept so long")

    @model_validator(mode="after")
    def _check_blob_place(self) -> Self:
        if (self.blobs_dir is None) == (self.blobs_url is None):
            raise ValueError("give either AI_MANAGER_BLOBS_DIR or AI_MANAGER_BLOBS_URL")
        if self.intervals.renew >= self.intervals.lease:
            raise ValueError("AI_MANAGER_INTERVALS__RENEW must be shorter than AI_MANAGER_INTERVALS__LEASE")
        return self
