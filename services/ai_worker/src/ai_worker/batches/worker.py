"""State of the worker process by subject: worker state, devices, active runs, self-tests, speeds, clients."""

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from ai_worker.batches.active_runs import ActiveRuns
from ai_worker.deps import WorkerWork
from ai_worker.devices.children import Children
from ai_worker.devices.start_devices import Chosen
from ai_worker.devices.work import DeviceTest, SelfTest
from ai_worker.model_store.weights_store import WeightsStore
from trapper_kit.http_client import HttpClient
from trapper_schemas.v1.models import GoldenRun


@dataclass
class Devices:
    """The devices in use and their inference processes."""

    chosen: Chosen
    """The runtime and devices that were asked for, or the processor in their place."""
    children: Children
    """Their inference processes."""
    enrolled_for: tuple[str, ...] = ()
    """Runtimes that the enrolment allows; empty: any."""
    tests: tuple[DeviceTest, ...] = ()
    """What each device computed at the start."""
    ready: bool = False
    """Whether all of them have computed once."""
    measured_at: float = 0.0
    """When their load was measured last, on the monotonic clock."""
    busy_before: dict[str, float] = field(default_factory=dict[str, float])
    """By device: seconds that it had been busy at that moment."""


@dataclass
class SelfTests:
    """Self-tests of models in this process."""

    passed: dict[tuple[str, str], SelfTest] = field(default_factory=dict[tuple[str, str], SelfTest])
    """By sha256 of the weights and device."""
    failed: dict[str, str] = field(default_factory=dict[str, str])
    """By sha256: why weights on this disk do not run."""
    published: dict[tuple[str, str, str], GoldenRun | None] = field(
        default_factory=dict[tuple[str, str, str], GoldenRun | None]
    )
    """By sha256, name and version: the golden run that the Manager has, or None when it has none."""
    disk_done: bool = False
    """Whether the models that were on the disk at the start have been tested."""


@dataclass
class Speeds:
    """Images per second, as measured last."""

    batches: dict[str, float] = field(default_factory=dict[str, float])
    """Of whole batches, by sha256 of the first model."""
    models: dict[str, float] = field(default_factory=dict[str, float])
    """Of single models, by sha256."""


@dataclass(kw_only=True)
class Worker(WorkerWork):
    """Everything that the loops of this process work with."""

    devices: Devices
    media: HttpClient
    store: WeightsStore
    runs: ActiveRuns = field(default_factory=ActiveRuns)
    self_tests: SelfTests = field(default_factory=SelfTests)
    speeds: Speeds = field(default_factory=Speeds)

    @property
    def runtime(self) -> str:
        """The runtime for which batches are claimed."""
        return self.devices.chosen.runtime

    def media_folder(self, run_id: UUID) -> Path:
        """The folder with the media of a run."""
        return self.settings.cache_dir / str(run_id)

    async def close(self) -> None:
        """End the preparations and the inference processes, then close everything else."""
        await self.runs.close()
        await self.devices.children.close()
        await self.media.close()
        self.store.close()
        await super().close()
