"""Query parameters of the Expert by operation. Generated from services/expert/openapi.json by `make openapi`; not edited."""

from __future__ import annotations
from typing import Literal, Required, TypedDict
from datetime import datetime


class ProvidersListConnectionsFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    name: str | None


class AlgorithmsListLabelsFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    name: str | None


class AccessListAuditFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    action: (
        Literal[
            "activated",
            "active",
            "approved",
            "connected",
            "deactivated",
            "disconnected",
            "edited",
            "held-original-opened",
            "invitation-accepted",
            "invitation-declined",
            "invitation-withdrawn",
            "invited",
            "link-consented",
            "link-revoked",
            "linked",
            "password-changed",
            "password-reset",
            "rejected",
            "requested",
            "role-changed",
            "role-removed",
            "sessions-ended",
            "sign-in-refused",
            "signed-in",
            "signed-out",
            "taxon-added",
            "token-made",
            "token-revoked",
            "unapproved",
        ]
        | None
    )
    actor_id: str | None
    subject_kind: str | None
    subject_id: str | None


class ClassificationProjectsListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    research_project_id: str | None
    name: str | None


class ClassificationProjectsChangeFilters(TypedDict, total=False):
    dry_run: bool


class ClassificationProjectsListLinksFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None


class AccessListClassificationInvitationsFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None


class ResultsListMachineDetectionsFilters(TypedDict, total=False):
    min_score: float
    provider_id: str | None
    linked_collection_id: str | None
    cursor: str | None
    limit: int


class CollectionsListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    research_project_id: str | None
    name: str | None
    is_active: bool


class CollectionLinksListLinksOfCollectionFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None


class DeploymentsListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    research_project_id: str | None
    deployment_id: str | None
    name: str | None
    location_id: str | None
    is_active: bool


class AccessListInvitationsFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None


class LocationsListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    research_project_id: str | None
    location_id: str | None
    name: str | None


class ClassificationsHistoryFilters(TypedDict, total=False):
    classification_project_id: Required[str]


class ObservationsListSimilarFilters(TypedDict, total=False):
    limit: int
    classification_project_id: list[str] | None
    taxon_id: list[str] | None
    deployment_id: list[str] | None
    algorithm_id: str | None


class PostProcessingReadOptionsFilters(TypedDict, total=False):
    scope: Required[str]


class AccessListResearchInvitationsFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None


class SequencesListNeighboursFilters(TypedDict, total=False):
    linked_collection_id: Required[str]
    limit: int


class SequencesListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    classification_project_id: list[str] | None
    linked_collection_id: list[str] | None
    deployment_id: list[str] | None
    resource_id: list[str] | None
    external_id: str | None
    is_time_lapse: bool | None
    min_resources: int | None
    captured_from: datetime | None
    captured_until: datetime | None


class SequencesCountFilters(TypedDict, total=False):
    linked_collection_id: Required[str]


class SequencesListMembersFilters(TypedDict, total=False):
    limit: int
    cursor: str | None


class AccessListSessionsFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None


class TaxaListsListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    classification_project_id: str | None
    name: str | None


class TaxaListsListTaxaFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    name: str | None


class TaxaListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    name: str | None
    key: str | None
    checklist: str | None
    below: list[str] | None


class TaxaImportFileFilters(TypedDict, total=False):
    classification_project_id: Required[str]
    checklist: Required[str]


class AccessListTokensFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    name: str | None


class UnresolvedLabelsListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    algorithm_id: str | None
    name: str | None


class AccessListUsersFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    name: str | None
    email: str | None
    is_active: bool | None


class JobsListJobsFilters(TypedDict, total=False):
    classification_project_id: list[str] | None
    id: list[str] | None
    linked_collection_id: list[str] | None
    provider_id: list[str] | None
    stage: (
        list[
            Literal[
                "created",
                "submitted",
                "queued",
                "running",
                "fetch_results",
                "ingesting",
                "finished",
                "failed",
                "cancelled",
            ]
        ]
        | None
    )
    cursor: str | None
    limit: int


class JobsListOutcomesFilters(TypedDict, total=False):
    outcome: list[Literal["pending", "done", "blank", "failed", "cancelled"]] | None
    cursor: str | None
    limit: int


class ProvidersListProvidersFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    provider_type: (
        Literal["detection", "classification", "embedding", "depth", "pose"] | None
    )
    name: str | None
    is_active: bool | None


class AlgorithmsListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    name: str | None
    kind: (
        list[
            Literal[
                "detection",
                "classification",
                "embedding",
                "depth",
                "post_processing",
                "tracking",
            ]
        ]
        | None
    )
    sha256: str | None
    derived_from_id: str | None


class CollectionsListPathsFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    name: str | None
    deployment_id: str | None
    resource_id: str | None
    state: Literal["stored", "described", "unreadable"] | None


class ClassificationsListClassificationsFilters(TypedDict, total=False):
    id: list[str]
    classification_project_id: list[str]
    linked_collection_id: list[str]
    resource_id: list[str]
    deployment_id: list[str]
    sequence_id: list[str]
    type: list[Literal["final", "ai", "user", "feedback"]]
    observation_type: list[
        Literal["animal", "human", "vehicle", "blank", "unknown", "unclassified"]
    ]
    taxon_id: list[str]
    provider_id: list[str]
    algorithm_id: list[str]
    owner_id: list[str]
    approved_by_id: list[str]
    current: bool | None
    approved: bool | None
    min_confidence: float | None
    max_confidence: float | None
    captured_from: datetime | None
    captured_until: datetime | None
    cursor: str | None
    limit: int


class ObservationsListObservationsFilters(TypedDict, total=False):
    id: list[str]
    classification_project_id: list[str]
    linked_collection_id: list[str]
    resource_id: list[str]
    deployment_id: list[str]
    sequence_id: list[str]
    type: list[Literal["final", "ai", "user", "feedback"]]
    observation_type: list[
        Literal["animal", "human", "vehicle", "blank", "unknown", "unclassified"]
    ]
    taxon_id: list[str]
    provider_id: list[str]
    algorithm_id: list[str]
    owner_id: list[str]
    approved_by_id: list[str]
    current: bool | None
    approved: bool | None
    min_confidence: float | None
    max_confidence: float | None
    captured_from: datetime | None
    captured_until: datetime | None
    classification_id: list[str]
    cursor: str | None
    limit: int


class OccurrencesListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    classification_project_id: list[str] | None
    linked_collection_id: list[str] | None
    deployment_id: list[str] | None
    sequence_id: list[str] | None
    resource_id: list[str] | None
    observation_type: (
        list[Literal["animal", "human", "vehicle", "blank", "unknown", "unclassified"]]
        | None
    )
    taxon_id: list[str] | None
    algorithm_id: list[str] | None
    source: list[Literal["identification", "approval", "prediction"]] | None
    identified: bool | None
    unmatched: bool | None
    min_score: float | None
    max_score: float | None
    captured_from: datetime | None
    captured_until: datetime | None


class OperationsListAllFilters(TypedDict, total=False):
    classification_project_id: list[str] | None
    id: list[str] | None
    kind: list[str] | None
    state: list[Literal["waiting", "running", "finished", "failed", "cancelled"]] | None
    cursor: str | None
    limit: int


class OperationsListLinesFilters(TypedDict, total=False):
    after: int
    level: list[Literal["info", "warning", "error"]] | None
    cursor: str | None
    limit: int


class PostProcessingListRunsFilters(TypedDict, total=False):
    classification_project_id: list[str] | None
    id: list[str] | None
    method: list[Literal["class_masking", "rank_rollup", "small_size_filter"]] | None
    cursor: str | None
    limit: int


class ResearchProjectsListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    status: Literal["requested", "active", "rejected"] | None
    name: str | None


class ResourcesListAllFilters(TypedDict, total=False):
    limit: int
    cursor: str | None
    id: list[str] | None
    research_project_id: str | None
    collection_id: str | None
    deployment_id: str | None
    sequence_id: str | None
    name: str | None
    state: Literal["stored", "described", "unreadable"] | None
    is_active: bool
    is_damaged: bool | None
    has_time: bool | None
    time_issue: Literal["ambiguous", "nonexistent", "out_of_range"] | None
    outside_deployment: bool | None
    elsewhere: bool | None
    captured_from: datetime | None
    captured_until: datetime | None
