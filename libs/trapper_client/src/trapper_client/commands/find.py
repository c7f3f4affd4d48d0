"""Finds classification projects by their slug or name, and taxa by their scientific name."""

from uuid import UUID

from trapper_client.client import TrapperClient
from trapper_client.contract import ClassificationProjectReply
from trapper_client.errors import WrongUsage

RUN_PROJECT = "Trapper run"
"""The name of the project that `trapper run` works in; commands without --project mean this one."""
RUN_RESEARCH_PROJECT = "RUN"
"""The acronym of its research project; commands without --research-project mean this one."""


def find_project(expert: TrapperClient, named: str) -> ClassificationProjectReply:
    """The classification project with this slug, or else this name."""
    projects = list(expert.classification_projects())
    for project in projects:
        if project.slug == named:
            return project
    for project in projects:
        if project.name == named:
            return project
    known = ", ".join(project.slug for project in projects) or "none yet: trapper run FOLDER makes one"
    raise WrongUsage(f"There is no classification project {named!r}.", hint=f"Known: {known}.")


def find_taxon(expert: TrapperClient, named: str) -> str:
    """The id of the taxon with this id or scientific name."""
    try:
        return str(UUID(named))
    except ValueError:
        taxa = [taxon for taxon in expert.taxa(name=named) if taxon.scientific_name.lower() == named.lower()]
    if len(taxa) != 1:
        there = "no taxon" if not taxa else f"{len(taxa)} taxa"
        raise WrongUsage(
            f"{there.capitalize()} with the scientific name {named!r}.", hint=f"trapper taxa search {named!r}"
        )
    return taxa[0].id
