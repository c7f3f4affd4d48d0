"""Golden runs: of the models on the disk when the worker starts, and of any other before its first batch."""

import logging
from dataclasses import asdict

from pydantic import ValidationError

from ai_worker.batches.hand import Hand
from ai_worker.devices.run_child import InferenceChild
from ai_worker.devices.try_model import stage_of
from ai_worker.devices.work import CannotRun, InferenceDied, StageWork
from ai_worker.model_store.fetch import usable
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.models import GoldenRun, ModelEntry

_AT_START = 4
"""So many, the last used first: each is opened and run, and a batch that came meanwhile waits for it."""


async def prove_on_disk(work: Hand) -> bool:
    """Once in a process: the models that lie here run their golden inputs, so that a broken one is known by name.

    What each of them is, the Manager says; while it is away this waits, and whatever is claimed later proves itself.
    """
    if work.proved_on_disk:
        return False
    lying = work.store.by_last_use()[:_AT_START]
    if lying:
        try:
            entries = await work.manager.entries(lying)
        except (Problem, ValidationError) as problem:
            log("proof.postponed", level=logging.WARNING, problem=str(problem))
            return False
        for entry in sorted(entries, key=lambda one: lying.index(one.sha256 or "")):
            if entry.spec is not None and work.runtime in entry.runtimes:
                await _prove_entry(work, entry)
    work.proved_on_disk = True
    return False


async def _prove_entry(work: Hand, entry: ModelEntry) -> None:
    spec = stage_of(entry)
    sha256 = spec.stage.model.key
    path = work.store.path(sha256, entry.format)
    async with work.store.locked(sha256):
        work.store.use(sha256)
        if not await usable(work.store, path, sha256):
            return
        work.store.checked.add(sha256)
    stage = StageWork(spec, path, published=await published(work, spec, sha256))
    for child in work.devices.each:
        try:
            await prove(work, child, stage)
        except (CannotRun, InferenceDied) as problem:
            work.unfit[sha256] = str(problem)
            log("model.unfit", level=logging.ERROR, model=entry.name, sha256=sha256, problem=str(problem))


async def prove(work: Hand, child: InferenceChild, stage: StageWork) -> str:
    """The checksum of the model's golden run on this device, which this process has seen, or sees now."""
    sha256 = stage.spec.stage.model.key
    known = (sha256, child.settings.device)
    if known not in work.proofs:
        proof = await child.prove(stage)
        work.proofs[known] = proof
        work.unfit.pop(sha256, None)
        log("model.proved", sha256=sha256, **asdict(proof))
    return work.proofs[known].checksum


async def published(work: Hand, spec: StageSpec, sha256: str) -> GoldenRun | None:
    """The golden run that this device must come close to; what the Manager cannot say now is asked for again."""
    known = (sha256, spec.model.name, spec.model.version)
    if known not in work.published:
        try:
            work.published[known] = await work.manager.proof(sha256, name=spec.model.name, version=spec.model.version)
        except (Problem, ValidationError) as problem:
            log("proof.unknown", level=logging.WARNING, sha256=sha256, problem=str(problem))
            return None
    return work.published[known]
