"""Runs a Worker that speaks the protocol before: `... chaos_former ai_worker.commands ARGUMENTS`.

How it lives and what it computes is today's; every request says protocol 1, and every blob is one of protocol 1.
"""

import runpy
import sys
from dataclasses import replace

from ai_worker import manager_client
from ai_worker.batches import run
from ai_worker.batches.hand import Hand
from ai_worker.batches.models import Run
from ai_worker.devices.work import Ran
from tests.support.make.results import blob_v1, column
from trapper_schemas.protocol import HEADER
from trapper_schemas.v1 import results as v1
from trapper_schemas.v1.batches import BatchLease
from trapper_schemas.v1.results import Failed
from trapper_schemas.v2.read_results import read_results
from trapper_schemas.v2.results import values

_keep = run._keep


def former_blob(blob: bytes, lease: BatchLease) -> bytes:
    """The same outcomes and detections, as a worker of protocol 1 packed them."""
    said = read_results(blob)
    outcomes = [
        one if isinstance(one, Failed) else v1.Seen(**vars(one), media_sha256=resource.sha256)
        for one, resource in zip(said.outcomes, lease.resources, strict=True)
    ]
    owners = [index for index, count in enumerate(values(said.detections)) for _ in range(count)]
    classified = [row for row, flag in enumerate(bytes(said.classified.data)) if flag]
    same = ("batch_id", "attempt", "worker_id", "stages", "frame_index", "box", "label", "score", "top_label")
    return blob_v1(
        v1.BatchResults(
            protocol=1,
            resource_ids=said.ids,
            outcomes=tuple(outcomes),
            resource_index=column("<u4", owners),
            classified=column("<u4", classified),
            **{name: getattr(said, name) for name in (*same, "top_score", "logits", "features")},
        )
    )


async def _keep_formerly(work: Hand, one: Run, lease: BatchLease, ran: Ran) -> None:
    await _keep(work, one, lease, replace(ran, blob=former_blob(ran.blob, lease)))


if __name__ == "__main__":
    module, *arguments = sys.argv[1:]
    manager_client.PROTOCOL_HEADERS[HEADER] = "1"
    run._keep = _keep_formerly
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
