"""Self-tests: runs golden inputs of models, at startup for those on disk, else before their first batch."""

import logging
from dataclasses import asdict

from pydantic import ValidationError

from ai_worker.batches.worker import Worker
from ai_worker.devices.run_child import InferenceChild
from ai_worker.devices.try_model import stage_of
from ai_worker.devices.work import CannotRun, InferenceDied, StageWork
from ai_worker.model_store.fetch import usable
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.models import GoldenRun, ModelEntry

_AT_START = 4
"""So many models, the last used first: each is opened and run, and a batch that comes meanwhile waits for it."""


async def self_test_disk(work: Worker) -> bool:
    """Tests the models on disk once per process, so that `/info` names broken ones; always False.

    The Manager knows what each of them is. While it is away this waits, and a model that is claimed is tested then.
    """
    if work.self_tests.disk_done:
        return False
    on_disk = work.store.by_last_use()[:_AT_START]
    if on_disk:
        try:
            entries = await work.manager.entries(on_disk)
        except (Problem, ValidationError) as problem:
            log("self_test.postponed", level=logging.WARNING, problem=str(problem))
            return False
        for entry in sorted(entries, key=lambda entry: on_disk.index(entry.sha256 or "")):
            if entry.spec is not None and work.runtime in entry.runtimes:
                await _test_entry(work, entry)
    work.self_tests.disk_done = True
    return False


async def _test_entry(work: Worker, entry: ModelEntry) -> None:
    spec = stage_of(entry)
    sha256 = spec.stage.model.key
    path = work.store.path(sha256, entry.format)
    async with work.store.locked(sha256):
        work.store.use(sha256)
        if not await usable(work.store, path, sha256):
            return
        work.store.checked.add(sha256)
    stage = StageWork(spec, path, published=await published(work, spec, sha256))
    for child in work.devices.children.each:
        try:
            await self_test(work, child, stage)
        except (CannotRun, InferenceDied) as problem:
            work.self_tests.failed[sha256] = str(problem)
            log("model.unfit", level=logging.ERROR, model=entry.name, sha256=sha256, problem=str(problem))


async def self_test(work: Worker, child: InferenceChild, stage: StageWork) -> str:
    """Returns the checksum of the model's golden run on this device, computed once per process."""
    sha256 = stage.spec.stage.model.key
    key = (sha256, child.settings.device)
    if key not in work.self_tests.passed:
        test = await child.self_test(stage)
        work.self_tests.passed[key] = test
        work.self_tests.failed.pop(sha256, None)
        log("model.tested", sha256=sha256, **asdict(test))
    return work.self_tests.passed[key].checksum


async def published(work: Worker, spec: StageSpec, sha256: str) -> GoldenRun | None:
    """Returns the published golden run to compare with; None when the Manager has none or does not answer."""
    key = (sha256, spec.model.name, spec.model.version)
    if key not in work.self_tests.published:
        try:
            golden = await work.manager.golden_run(sha256, name=spec.model.name, version=spec.model.version)
        except (Problem, ValidationError) as problem:
            log("golden_run.unknown", level=logging.WARNING, sha256=sha256, problem=str(problem))
            return None
        work.self_tests.published[key] = golden
    return work.self_tests.published[key]
