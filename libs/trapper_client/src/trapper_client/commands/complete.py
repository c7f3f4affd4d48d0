"""Completes values on the command line; where nothing answers at once, there is nothing to complete."""

from collections.abc import Callable, Iterable

from trapper_client.client import TrapperClient
from trapper_client.errors import Failure
from trapper_client.stack import connect, connect_manager

_MOST = 100


def model_names(kind: str | None = None) -> list[str]:
    """Names of the catalogue's models, of one type or of all."""
    try:
        with connect_manager() as manager:
            return sorted({each["name"] for each in manager.models() if kind in {None, each["kind"]}})
    except (Failure, OSError):
        return []


def complete_model(incomplete: str) -> list[str]:
    """Models of the catalogue."""
    return _beginning(incomplete, model_names())


def complete_worker(incomplete: str) -> list[str]:
    """Names of workers."""
    try:
        with connect_manager() as manager:
            return _beginning(incomplete, (each["name"] for each in manager.workers()))
    except (Failure, OSError):
        return []


def complete_project(incomplete: str) -> list[str]:
    """Slugs of classification projects."""
    return _of_expert(incomplete, lambda expert: (each.slug for each in expert.classification_projects()))


def complete_research_project(incomplete: str) -> list[str]:
    """Acronyms of research projects."""
    return _of_expert(incomplete, lambda expert: (each.acronym for each in expert.research_projects()))


def complete_job(incomplete: str) -> list[str]:
    """Ids of jobs, newest first."""
    return _of_expert(incomplete, lambda expert: (each.id for each in expert.jobs()))


def complete_token(incomplete: str) -> list[str]:
    """Names of the caller's tokens."""
    return _of_expert(incomplete, lambda expert: (each.name for each in expert.tokens()))


def _of_expert(incomplete: str, read: Callable[[TrapperClient], Iterable[str]]) -> list[str]:
    try:
        with connect() as expert:
            return _beginning(incomplete, read(expert))
    except (Failure, OSError):
        return []


def _beginning(incomplete: str, values: Iterable[str]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value.startswith(incomplete)][:_MOST]
