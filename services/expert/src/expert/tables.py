"""Imports every feature's models, so that the metadata is whole; one line per feature."""

import expert.access.models
import expert.algorithms.models
import expert.audit.models
import expert.classification_projects.models
import expert.classifications.models
import expert.classificators.models
import expert.collections.models
import expert.deployments.models
import expert.jobs.models
import expert.locations.models
import expert.observations.models
import expert.providers.models
import expert.research_projects.models
import expert.resources.models
import expert.results.models
import expert.taxa.models
import expert.uploads.models  # noqa: F401 - imported for what it declares
from expert.base import Base

__all__ = ["Base"]
