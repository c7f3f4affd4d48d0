"""The two messages that cross services; each says only "look", and may be lost, doubled or late."""

from pydantic import Field

from trapper_schemas.base import Request

NAMESPACE = "trapper_notifications"
MAX_AGE_SECONDS = 60
OUTSTANDING_SECONDS = 30

RUN_BATCH_PREDICTION = "trapperai_runtime.run_batch_prediction"
RESULTS_READY = "results.ready"


class RunBatchPrediction(Request):
    """To the workers of one runtime: there is work to claim."""

    protocol: int = Field(ge=1)
    runtime: str = Field(max_length=64, pattern=r"^[a-z0-9-]+$")


class ResultsReady(Request):
    """To one Expert: this job has results to fetch."""

    job_id: str = Field(max_length=36)


def runtime_queue(runtime: str) -> str:
    """The queue that the workers of this runtime listen to."""
    return f"trapperai_runtime.{runtime}"


def expert_queue(connection_id: str) -> str:
    """The queue of one Expert's connection."""
    return f"trapper_expert.{connection_id}"
