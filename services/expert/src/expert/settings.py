"""EXPERT_* settings from the environment, checked once."""

from pathlib import Path

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from trapper_kit import settings as kit
from trapper_kit.jpeg import MAX_LOST
from trapper_schemas.urls import BaseAddress, StoreAddress


class Intervals(kit.Intervals):
    """How often and how long, in seconds."""

    gather_quiet: float = Field(default=10.0, ge=0, description="a job is made when no new resource came for so long")
    gather_at_most: float = Field(default=60.0, ge=0, description="or when its oldest resource has waited so long")
    follow: float = Field(default=3.0, gt=0, description="between two questions how submitted jobs are doing")
    fold: float = Field(default=2.0, gt=0, description="between two additions of what has changed to the statistics")
    fleet: float = Field(default=10.0, gt=0, description="between two readings of which models no worker can run")
    describe_claim: float = Field(default=120.0, gt=0, description="after which a silent description is begun again")
    operation_heartbeat: float = Field(default=5.0, gt=0, description="between two heartbeats of a running operation")
    operation_silence: float = Field(
        default=30.0, gt=0, description="after which a running operation without a heartbeat is tried again"
    )
    operation_expiry: float = Field(
        default=90 * 86400.0, gt=0, description="after which an ended operation is deleted with its log"
    )
    upload_expiry: float = Field(default=7 * 86400.0, gt=0, description="after which a promised upload is forgotten")
    upload_sweep: float = Field(default=600.0, gt=0, description="between two looks for promises that expired")
    orphans: float = Field(default=3600.0, gt=0, description="between two comparisons of objects with rows")
    session_idle: float = Field(default=7 * 86400.0, gt=0, description="after which an unused session ends")
    session_end: float = Field(default=30 * 86400.0, gt=0, description="after which every session ends")
    sign_in_window: float = Field(default=300.0, gt=0, description="within which failed sign-ins are counted")


class ExpertSettings(kit.BackgroundSettings):
    """Everything the Expert takes from its environment."""

    model_config = SettingsConfigDict(env_prefix="EXPERT_", env_nested_delimiter="__", extra="ignore", frozen=True)

    database_url: SecretStr = Field(description="PostgreSQL, with its password")
    database_pool_size: int = Field(default=8, ge=1, le=200, description="connections kept; as many again under load")
    statement_timeout_seconds: float = Field(default=30.0, gt=0, description="limit of one statement")
    secret_key: SecretStr = Field(
        min_length=32, description="CSRF tokens, grants and stored credentials are derived from it"
    )
    public_url: BaseAddress = Field(default="http://127.0.0.1:8000", description="how others reach this service")
    media_dir: Path | None = Field(default=None, description="folder of originals and thumbnails")
    media_url: StoreAddress | None = Field(default=None, description="or an object store, such as s3://bucket/prefix")
    blobs_dir: Path | None = Field(default=None, description="folder of batch blobs; default: beside the media")
    blobs_url: StoreAddress | None = Field(default=None, description="or an object store")
    upload_max_bytes: int = Field(default=2_000_000_000, ge=1, description="largest file that is taken")
    uploads_per_account: int = Field(
        default=32, ge=1, description="files of one account that a web process receives at once"
    )
    picture_max_pixels: int = Field(default=100_000_000, ge=1, description="looked at in the header, before decoding")
    picture_max_lost: float = Field(
        default=MAX_LOST,
        ge=0,
        le=1,
        description="share of a photo's rows that its file may lack before it is damaged; set the workers' alike",
    )
    thumbnail_pixels: int = Field(default=320, ge=16, le=2048, description="longer side of a thumbnail")
    describe_attempts: int = Field(default=3, ge=1, description="a file that kills so many descriptions is unreadable")
    self_activation: bool = Field(default=False, description="people who register may sign in at once")
    sign_in_failures: int = Field(
        default=10,
        ge=1,
        description="of an account from an address within a day, before waits begin: the window, then doubled",
    )
    sign_in_failures_per_account: int = Field(
        default=100, ge=1, description="within the window, per account, from addresses where it never signed in"
    )
    sign_in_failures_per_address: int = Field(default=50, ge=1, description="allowed within the window, per address")
    tasks_address: str | None = Field(
        default="127.0.0.1:34801", description="where the task process serves /metrics and /readyz; empty: nowhere"
    )
    orphan_hours: float = Field(default=24.0, ge=1, description="age at which an object that no row names is removed")
    job_max_resources: int = Field(default=10_000, ge=1, le=100_000, description="most resources of one AI job")
    intervals: Intervals = Field(default_factory=Intervals)

    @model_validator(mode="after")
    def _somewhere_to_store(self) -> "ExpertSettings":
        if self.media_dir is None and self.media_url is None:
            raise ValueError("one of EXPERT_MEDIA_DIR and EXPERT_MEDIA_URL is needed")
        if self.blobs_dir is None and self.blobs_url is None and self.media_dir is None:
            raise ValueError("one of EXPERT_BLOBS_DIR and EXPERT_BLOBS_URL is needed")
        return self
