"""Imports every feature's models, so that the metadata is whole; one line per feature."""

from expert.access import models as access
from expert.algorithms import models as algorithms
from expert.audit import models as audit
from expert.base import Base
from expert.classification_projects import models as classification_projects
from expert.classifications import models as classifications
from expert.classificators import models as classificators
from expert.collections import models as collections
from expert.deployments import models as deployments
from expert.jobs import models as jobs
from expert.locations import models as locations
from expert.observations import models as observations
from expert.occurrences import models as occurrences
from expert.operations import models as operations
from expert.outputs import models as outputs
from expert.postprocessing import models as postprocessing
from expert.providers import models as providers
from expert.research_projects import models as research_projects
from expert.resources import models as resources
from expert.results import models as results
from expert.sequences import models as sequences
from expert.statistics import models as statistics
from expert.taxa import models as taxa
from expert.taxa_lists import models as taxa_lists
from expert.uploads import models as uploads

__all__ = ["Base"]

FEATURES = (
    access,
    algorithms,
    audit,
    classification_projects,
    classifications,
    classificators,
    collections,
    deployments,
    jobs,
    locations,
    observations,
    occurrences,
    operations,
    outputs,
    postprocessing,
    providers,
    research_projects,
    resources,
    results,
    sequences,
    statistics,
    taxa,
    taxa_lists,
    uploads,
)
