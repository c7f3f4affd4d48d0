"""Bodies of statistics."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from expert.observations.state import ObservationType
from trapper_schemas.base import Reply


class Counts(Reply):
    """Numbers of resources, each from 0, and of observations."""

    resources: int = Field(description="resources, each once, from 0")
    with_ai: int = Field(description="resources with a result of the AI, from 0")
    without_ai: int = Field(description="resources without a result of the AI, from 0")
    failed: int = Field(description="resources for which the AI ended without a result, from 0")
    blank: int = Field(description="resources in which nothing was seen, from 0")
    by_people: int = Field(description="resources that a person classified, from 0")
    in_review: int = Field(description="resources that a person classified and nobody approved yet, from 0")
    approved: int = Field(description="resources with an approved classification, from 0")
    observations: int = Field(description="observations of the approved row, else of the newest AI row, from 0")


class LabelCount(Reply):
    """How often something was seen, by one source."""

    resources: int = Field(description="resources, from 0")
    observations: int = Field(description="observations, from 0")


class LabelCounts(Reply):
    """How often a taxon, or a type without one, was seen."""

    observation_type: ObservationType
    taxon_id: UUID | None = Field(description="null where none is known, and for types that have none")
    scientific_name: str | None
    by_ai: LabelCount = Field(description="in the newest result of the AI")
    approved: LabelCount = Field(description="in approved classifications")


class DayCounts(Counts):
    """The resources of a day of the place's clock."""

    day: date | None = Field(description="null for resources without a time")


class HourCounts(Counts):
    """The resources of an hour of the day by the place's clock."""

    hour: int | None = Field(description="from 0 to 23; null for resources without a time")


class DeploymentCounts(Counts):
    """The resources of a deployment, with its effort."""

    deployment_id: UUID | None = Field(description="null for resources without a deployment")
    name: str | None = Field(description="the deployment's name, as its people gave it")
    start_at: datetime | None
    end_at: datetime | None
    trap_nights: int | None = Field(description="nights between start and end, from 0; null while one is unknown")


class Statistics(Reply):
    """A classification project in numbers, over the linked collections that the caller may read."""

    totals: Counts
    trap_nights: int = Field(description="nights of all deployments whose start and end are known, from 0")
    labels: list[LabelCounts] = Field(description="most resources first")
    days: list[DayCounts] = Field(description="earliest first")
    hours: list[HourCounts] = Field(description="from 0")
    deployments: list[DeploymentCounts]
    pending: int = Field(description="changes that are not in these numbers yet, from 0; 10,000 stands for more")
