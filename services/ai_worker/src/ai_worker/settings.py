"""AI_WORKER_* settings from the environment, checked once, and the paths in the state folder."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from trapper_kit import settings as kit
from trapper_kit.jpeg import MAX_LOST
from trapper_schemas.urls import BaseAddress, check_origin, check_url

_GIB = 1024**3


class Intervals(kit.Intervals):
    """Seconds of pauses and limits; the Manager overrides `beat`, `poll` and `retry`."""

    beat: float = Field(default=10.0, gt=0, description="between two heartbeats, until the Manager has said")
    poll: float = Field(default=20.0, gt=0, le=30, description="how long one claim waits, until the Manager has said")
    retry: float = Field(default=2.0, gt=0, description="pause after a failed call, until the Manager has said")
    claim: float = Field(default=0.5, gt=0, description="between two looks whether there is room for a batch")
    run: float = Field(default=1.0, gt=0, description="between two looks for a leased batch, when no event came")
    deliver: float = Field(default=2.0, gt=0, description="between two looks for results to deliver")
    tidy: float = Field(default=60.0, gt=0, description="between two looks for files that nobody needs")
    patience: float = Field(default=300.0, gt=0, description="how long media or weights may be out of reach")
    refused: float = Field(default=10.0, gt=0, description="pause in claiming after a batch that cannot be run here")
    grace: float = Field(default=30.0, ge=0, description="for finishing and delivering after SIGTERM")
    media: float = Field(default=300.0, gt=0, description="longest time for one file, and a second more per 64 KiB")


class WorkerSettings(kit.ServiceSettings):
    """All settings of the worker."""

    model_config = SettingsConfigDict(env_prefix="AI_WORKER_", env_nested_delimiter="__", extra="ignore", frozen=True)

    state_dir: Path = Field(description="folder of its own: database, credential, spool, cache, weights")
    manager_url: BaseAddress | None = Field(
        default=None, pattern=r"^https?://[^\s?#]+$", description="the Manager; default: where it was enrolled"
    )
    name: str | None = Field(default=None, description="how the fleet calls it; default: the host's name")
    redis_url: SecretStr | None = Field(
        default=None, description="the notifications' Redis; without it the worker polls"
    )
    runtime: str | None = Field(
        default=None, description="such as onnx-cpu, onnx-cuda, hailo; default: the best that is here"
    )
    devices: list[str] = Field(
        default_factory=list[str],
        description='one process each, such as ["cuda:0", "cuda:1"]; default: the first of the runtime',
    )
    fall_back_to_cpu: bool = Field(
        default=False, description="compute on the processor when what was asked for cannot run, instead of refusing"
    )
    half_precision: bool = Field(default=True, description="let TensorRT compute in float16; results say which it was")
    slots: int = Field(
        default=2, ge=1, le=16, description="leased batches per device: one computed, the others prefetched"
    )
    threads: int = Field(default=0, ge=0, le=1024, description="cores for computing; 0 takes all")
    batch_size: int = Field(default=0, ge=0, le=1024, description="pictures per forward pass; 0 lets the device choose")
    batch_seconds: float = Field(default=1800.0, gt=0, description="longest time for computing one batch")
    picture_seconds: float = Field(
        default=60.0, ge=0, description="longest time a model may take for one picture; accelerators have ten times it"
    )
    confine_inference: bool = Field(
        default=True, description="hold the process that runs models in; only for drivers that cannot work so"
    )
    batches_per_child: int = Field(default=200, ge=1, description="after which the inference process is replaced")
    memory_limit_bytes: int = Field(default=8 * _GIB, ge=_GIB, description="of the inference process")
    model_memory_bytes: int | None = Field(
        default=None,
        ge=0,
        description="models of one batch weigh at most so much; default: what the device has room for",
    )
    pixel_budget_bytes: int = Field(default=512 * 1024**2, ge=1024**2, description="decoded pixels held at once")
    picture_max_pixels: int = Field(default=100_000_000, ge=1, description="larger pictures are refused undecoded")
    picture_max_lost: float = Field(
        default=MAX_LOST,
        ge=0,
        le=1,
        description="share of a photo's rows that its file may lack before it is damaged; set the Expert's alike",
    )
    process_starts: int = Field(default=5, ge=1, description="a batch under which the whole worker died so often fails")
    media_origins: list[str] = Field(default_factory=list, description="cap on a lease's origins; empty: public only")
    media_concurrency: int = Field(default=8, ge=1, le=64, description="files fetched at the same time")
    cache_limit_bytes: int = Field(default=20 * _GIB, ge=1, description="media fetched ahead, of all leased batches")
    offline_hours: float = Field(default=0.0, ge=0, le=2160, description="ask for leases that need no link for so long")
    offline_batches: int = Field(default=20, ge=1, le=200, description="leased batches when offline_hours is set")
    media_max_bytes: int = Field(default=2_000_000_000, ge=1, description="largest file that is fetched")
    weights_dir: Path | None = Field(default=None, description="weights, may be shared; default: in the state folder")
    weights_dirs: list[Path] = Field(default_factory=list[Path], description="pre-seeded folders, only read")
    weights_mirrors: list[str] = Field(
        default_factory=list[str], description="base addresses of this site's copies, tried in order before the Manager"
    )
    weights_limit_bytes: int = Field(default=50 * _GIB, ge=1, description="above it the least used weights go")
    spool_limit_bytes: int = Field(default=5 * _GIB, ge=1, description="undelivered results above it stop claiming")
    min_free_bytes: int = Field(default=200 * 1024**2, ge=0, description="free disk below it stops claiming")
    allow_unpinned: bool = Field(default=False, description="run models whose hash no operator confirmed")
    intervals: Intervals = Field(default_factory=Intervals)

    @field_validator("state_dir", "weights_dir", mode="after")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    @field_validator("media_origins", mode="after")
    @classmethod
    def _origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            try:
                check_origin(origin)
            except ValueError as problem:
                raise ValueError(
                    f"{origin!r} is not an origin such as https://media.example.org: {problem}"
                ) from problem
        return origins

    @field_validator("weights_mirrors", mode="after")
    @classmethod
    def _mirrors(cls, mirrors: list[str]) -> list[str]:
        for mirror in mirrors:
            try:
                check_url(mirror, query=False)
            except ValueError as problem:
                example = "https://mirror.example.org/weights"
                raise ValueError(f"{mirror!r} is not a base address such as {example}: {problem}") from problem
        return mirrors

    @property
    def notifications_url(self) -> str | None:
        """The Redis of the notifications; two names are accepted."""
        chosen = self.redis_url or self.notifications_redis_url
        return None if chosen is None else chosen.get_secret_value()

    @property
    def database_file(self) -> Path:
        """The worker's database."""
        return self.state_dir / "worker.sqlite3"

    @property
    def credential_file(self) -> Path:
        """The credential; only its owner reads it."""
        return self.state_dir / "credential.json"

    @property
    def local_token_file(self) -> Path:
        """The token for drain, pause and resume, made at the first start."""
        return self.state_dir / "local_token"

    @property
    def lock_file(self) -> Path:
        """Locked by the one process that works here."""
        return self.state_dir / "worker.lock"

    @property
    def spool_dir(self) -> Path:
        """Results until the Manager has them."""
        return self.state_dir / "spool"

    @property
    def cache_dir(self) -> Path:
        """Media of the leased batches, one folder each."""
        return self.state_dir / "cache"

    @property
    def store_dir(self) -> Path:
        """Weights by their sha256."""
        return self.weights_dir or self.state_dir / "weights"

    def make_folders(self) -> None:
        """Makes the state folder and its folders, closed to others."""
        for folder in (self.state_dir, self.spool_dir, self.cache_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.store_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
