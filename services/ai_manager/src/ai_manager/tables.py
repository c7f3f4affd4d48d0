"""Imports the models of every feature, so that the metadata is complete."""

from ai_manager.access.models import Token
from ai_manager.base import Base
from ai_manager.batches.models import Batch, FinishedBatch, Terms, WebProcess
from ai_manager.catalog.models import Model, ProposedPin
from ai_manager.jobs.models import Job, ResourceChunk, UnsealedResource
from ai_manager.results.models import LateResult, ResourceFailure, SavedResult
from ai_manager.workers.models import EnrolmentToken, Worker, WorkerLosses

__all__ = [
    "Base",
    "Batch",
    "EnrolmentToken",
    "FinishedBatch",
    "Job",
    "LateResult",
    "Model",
    "ProposedPin",
    "ResourceChunk",
    "ResourceFailure",
    "SavedResult",
    "Terms",
    "Token",
    "UnsealedResource",
    "WebProcess",
    "Worker",
    "WorkerLosses",
]
