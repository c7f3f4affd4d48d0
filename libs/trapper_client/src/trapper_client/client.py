"""The Expert as people and scripts use it: one method per call, with the types of its contract; `Api` retries."""

import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack
from uuid import UUID, uuid4

from pydantic import BaseModel

from trapper_client.api import Api, Content
from trapper_client.contract import (
    AddedTaxaReply,
    ClassificationChange,
    ClassificationDetail,
    ClassificationProjectChange,
    ClassificationProjectReply,
    ClassificationReply,
    CollectionCounts,
    CollectionReply,
    ConnectionSyncs,
    DeploymentReply,
    History,
    IdentificationItem,
    IdentificationResult,
    IdentificationResults,
    JobReply,
    JobRerun,
    JobResourceReply,
    LinkedCollectionChange,
    LinkedCollectionReply,
    MachineResult,
    NewClassificationProject,
    NewCollection,
    NewDeployment,
    NewFeedback,
    NewIdentifications,
    NewJob,
    NewJobReply,
    NewLinkedCollection,
    NewMatching,
    NewResearchProject,
    NewTaxa,
    NewTaxaList,
    NewToken,
    NewTokenReply,
    NewUploads,
    ObservationChange,
    ObservationInput,
    ObservationReply,
    OccurrenceDetail,
    OccurrenceReply,
    OperationLineReply,
    OperationReply,
    PackedFileReply,
    PackReply,
    PathReply,
    ProviderDetail,
    ProviderReply,
    ResearchProjectReply,
    ResourceDetail,
    ResourceReply,
    SequenceCounts,
    SequenceDetail,
    SequenceReply,
    SimilarObservations,
    StageAfterIngest,
    TaxaListReply,
    TaxonReply,
    TokenReply,
    UnresolvedLabelReply,
    UploadedResource,
    UploadReplies,
    UploadReply,
)
from trapper_client.errors import Unreachable
from trapper_client.filters import (
    ClassificationProjectsListAllFilters,
    ClassificationsListClassificationsFilters,
    CollectionsListAllFilters,
    DeploymentsListAllFilters,
    JobsListJobsFilters,
    JobsListOutcomesFilters,
    ObservationsListObservationsFilters,
    ObservationsListSimilarFilters,
    OccurrencesListAllFilters,
    OperationsListAllFilters,
    OperationsListLinesFilters,
    ResearchProjectsListAllFilters,
    ResourcesListAllFilters,
    ResultsListMachineDetectionsFilters,
    SequencesListAllFilters,
    TaxaListAllFilters,
    TaxaListsListAllFilters,
    UnresolvedLabelsListAllFilters,
)
from trapper_schemas.base import Reply

UPLOADS_PER_CALL = 500
PACK_FILES, PACKED_FILE_BYTES = 100, 4 << 20
"""How many files a pack may have, and how large each may be."""
_CLASSIFICATIONS = "/api/media-classifications/classifications"
_JOBS = "/api/ai-classification-jobs/"
_OCCURRENCES = "/api/occurrences/"
_TAXA_LISTS = "/api/taxa-lists/"
_OPERATIONS = "/api/operations/"
_SEQUENCES = "/api/sequences/"
_PROJECTS = "/api/classification-projects/"
T = TypeVar("T", bound=BaseModel)


class RowWithVersion(Reply):
    """What every row that people edit has."""

    version: int


class TrapperClient:
    """A signed-in caller of the Expert; requests, replies and filters are those of its contract."""

    def __init__(
        self, base_url: str, token: str | None, *, patience: float = 0.0, renew: Callable[[], str] | None = None
    ) -> None:
        self.api = Api(base_url, token, patience=patience, renew=renew)

    @property
    def base_url(self) -> str:
        return self.api.base_url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.api.close()

    # people

    def create_token(self, request: NewToken) -> NewTokenReply:
        """A new token of the caller's own; its secret is shown this once."""
        return self.api.send(NewTokenReply, "POST", "/api/tokens/", request)

    def tokens(self) -> Iterator[TokenReply]:
        """The caller's valid tokens, without their secrets."""
        return self.api.items(TokenReply, "/api/tokens/")

    def revoke_token(self, token_id: str) -> None:
        """Ends a token at once."""
        self.api.call("DELETE", f"/api/tokens/{token_id}/")

    # projects, places, collections

    def research_projects(self, **filters: Unpack[ResearchProjectsListAllFilters]) -> Iterator[ResearchProjectReply]:
        return self.api.items(ResearchProjectReply, "/api/research-projects/", **filters)

    def create_research_project(self, request: NewResearchProject) -> ResearchProjectReply:
        return self.api.send(ResearchProjectReply, "POST", "/api/research-projects/", request)

    def activate_research_project(self, project_id: str) -> ResearchProjectReply:
        return self.api.send(ResearchProjectReply, "POST", f"/api/research-projects/{project_id}/activate/")

    def classification_projects(
        self, **filters: Unpack[ClassificationProjectsListAllFilters]
    ) -> Iterator[ClassificationProjectReply]:
        return self.api.items(ClassificationProjectReply, _PROJECTS, **filters)

    def create_classification_project(self, request: NewClassificationProject) -> ClassificationProjectReply:
        return self.api.send(ClassificationProjectReply, "POST", _PROJECTS, request)

    def change_classification_project(
        self, project_id: str, change: ClassificationProjectChange, *, version: int | None = None
    ) -> ClassificationProjectReply:
        return self._change(ClassificationProjectReply, f"{_PROJECTS}{project_id}/", change, version)

    def collections(self, **filters: Unpack[CollectionsListAllFilters]) -> Iterator[CollectionReply]:
        return self.api.items(CollectionReply, "/api/collections/", **filters)

    def create_collection(self, request: NewCollection) -> CollectionReply:
        return self.api.send(CollectionReply, "POST", "/api/collections/", request)

    def collection_counts(self, collection_id: str) -> CollectionCounts:
        return self.api.read(CollectionCounts, f"/api/collections/{collection_id}/counts/")

    def collection_paths(self, collection_id: str) -> Iterator[PathReply]:
        """Every path in a collection; the same bytes under two paths are two of these."""
        return self.api.items(PathReply, f"/api/collections/{collection_id}/paths/")

    def deployments(self, **filters: Unpack[DeploymentsListAllFilters]) -> Iterator[DeploymentReply]:
        return self.api.items(DeploymentReply, "/api/deployments/", **filters)

    def create_deployment(self, request: NewDeployment) -> DeploymentReply:
        return self.api.send(DeploymentReply, "POST", "/api/deployments/", request)

    def links(self, project_id: str) -> Iterator[LinkedCollectionReply]:
        """The collections of a classification project."""
        return self.api.items(LinkedCollectionReply, f"{_PROJECTS}{project_id}/collections/")

    def link_collection(self, project_id: str, request: NewLinkedCollection) -> LinkedCollectionReply:
        """Adds a collection to a project; adding it again answers with the link that is there."""
        return self.api.send(LinkedCollectionReply, "POST", f"{_PROJECTS}{project_id}/collections/", request)

    def change_link(
        self, project_id: str, linked_collection_id: str, change: LinkedCollectionChange, *, version: int | None = None
    ) -> LinkedCollectionReply:
        path = f"{_PROJECTS}{project_id}/collections/{linked_collection_id}/"
        return self._change(LinkedCollectionReply, path, change, version)

    # media

    def resources(self, **filters: Unpack[ResourcesListAllFilters]) -> Iterator[ResourceReply]:
        return self.api.items(ResourceReply, "/api/resources/", **filters)

    def resource(self, resource_id: str) -> ResourceDetail:
        return self.api.read(ResourceDetail, f"/api/resources/{resource_id}/")

    def begin_uploads(self, request: NewUploads) -> list[UploadReply]:
        """Announces up to UPLOADS_PER_CALL files; announcing one again changes nothing."""
        path = "/api/uploads/"
        items = self.api.send(UploadReplies, "POST", path, request).items
        if len(items) != len(request.items):
            raise Unreachable(f"POST {self.base_url}{path}: {len(items)} replies to {len(request.items)} files.")
        return items

    def upload(self, upload_id: str, content: Content, size: int) -> str:
        """Sends the bytes of an announced file; the id of the resource that they are."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        path = f"/api/uploads/{upload_id}/content"
        return self.api.parse(UploadedResource, path, self.api.put(path, content, headers=headers)).resource_id

    def upload_pack(self, files: Sequence[tuple[str, bytes]]) -> list[PackedFileReply]:
        """Sends up to PACK_FILES small announced files at once, each with its upload's id; each is refused alone."""
        table = b"".join(struct.pack(">16sQ", UUID(upload_id).bytes, len(content)) for upload_id, content in files)
        body = b"".join((struct.pack(">I", len(files)), table, *(content for _, content in files)))
        path, headers = "/api/uploads/pack/", {"Content-Type": "application/octet-stream"}
        items = self.api.parse(PackReply, path, self.api.call("POST", path, content=body, headers=headers)).items
        if [item.upload_id for item in items] != [upload_id for upload_id, _ in files]:
            raise Unreachable(f"POST {self.base_url}{path}: the replies are of other files than were sent.")
        return items

    # taxa

    def taxa(self, **filters: Unpack[TaxaListAllFilters]) -> Iterator[TaxonReply]:
        return self.api.items(TaxonReply, "/api/taxa/", **filters)

    def import_taxa(self, file: Path, *, project_id: str, checklist: str) -> OperationReply:
        """Sends a table of taxa; the operation that imports it."""
        path = "/api/taxa/import/"
        received = self.api.call(
            "POST",
            path,
            params={"classification_project_id": project_id, "checklist": checklist},
            content=lambda: _chunks(file),
            headers={
                "Idempotency-Key": str(uuid4()),
                "Content-Type": "application/octet-stream",
                "Content-Length": str(file.stat().st_size),
            },
        )
        return self.api.parse(OperationReply, path, received)

    # models

    def providers(self) -> Iterator[ProviderReply]:
        return self.api.items(ProviderReply, "/api/ai-providers/")

    def provider(self, provider_id: str) -> ProviderDetail:
        return self.api.read(ProviderDetail, f"/api/ai-providers/{provider_id}/")

    def sync_providers(self) -> ConnectionSyncs:
        """Has the Expert read the catalogues of its Managers again."""
        return self.api.send(ConnectionSyncs, "POST", "/api/ai-providers/sync/")

    # jobs

    def jobs(self, **filters: Unpack[JobsListJobsFilters]) -> Iterator[JobReply]:
        return self.api.items(JobReply, _JOBS, **filters)

    def job(self, job_id: str) -> JobReply:
        return self.api.read(JobReply, f"{_JOBS}{job_id}/")

    def request_ai(self, request: NewJob) -> NewJobReply:
        """Requests a job; with `dry_run` only counts the resources that it would take."""
        return self.api.send(NewJobReply, "POST", _JOBS, request)

    def job_resources(self, job_id: str, **filters: Unpack[JobsListOutcomesFilters]) -> Iterator[JobResourceReply]:
        return self.api.items(JobResourceReply, f"{_JOBS}{job_id}/resources/", **filters)

    def cancel_job(self, job_id: str) -> JobReply:
        """Cancels a job here and at its Manager; results that exist stay."""
        return self.api.send(JobReply, "POST", f"{_JOBS}{job_id}/cancel/")

    def rerun_job(self, job_id: str, request: JobRerun) -> NewJobReply:
        """Requests a job for the resources of an earlier one, or for those that failed in it."""
        return self.api.send(NewJobReply, "POST", f"{_JOBS}{job_id}/rerun/", request)

    def rerun_stage(self, job_id: str, stage: StageAfterIngest) -> JobReply:
        """Runs one stage after ingest again, alone."""
        return self.api.send(JobReply, "POST", f"{_JOBS}{job_id}/after-ingest/{stage}/rerun/")

    # sequences

    def sequences(self, **filters: Unpack[SequencesListAllFilters]) -> Iterator[SequenceReply]:
        return self.api.items(SequenceReply, _SEQUENCES, **filters)

    def sequence(self, sequence_id: str) -> SequenceDetail:
        return self.api.read(SequenceDetail, f"{_SEQUENCES}{sequence_id}/")

    def sequence_counts(self, linked_collection_id: str) -> SequenceCounts:
        """The sequences of a linked collection, and how many resources are not chained yet."""
        return self.api.read(SequenceCounts, f"{_SEQUENCES}counts/", linked_collection_id=linked_collection_id)

    def unresolved_labels(self, **filters: Unpack[UnresolvedLabelsListAllFilters]) -> Iterator[UnresolvedLabelReply]:
        return self.api.items(UnresolvedLabelReply, "/api/unresolved-labels/", **filters)

    def match_labels(self, body: NewMatching) -> OperationReply:
        return self.api.send(OperationReply, "POST", "/api/unresolved-labels/match/", body)

    # taxa lists

    def taxa_lists(self, **filters: Unpack[TaxaListsListAllFilters]) -> Iterator[TaxaListReply]:
        return self.api.items(TaxaListReply, _TAXA_LISTS, **filters)

    def create_taxa_list(self, body: NewTaxaList) -> TaxaListReply:
        return self.api.send(TaxaListReply, "POST", _TAXA_LISTS, body)

    def add_taxa(self, taxa_list_id: str, body: NewTaxa) -> AddedTaxaReply:
        return self.api.send(AddedTaxaReply, "POST", f"{_TAXA_LISTS}{taxa_list_id}/taxa/", body)

    # occurrences

    def occurrences(self, **filters: Unpack[OccurrencesListAllFilters]) -> Iterator[OccurrenceReply]:
        return self.api.items(OccurrenceReply, _OCCURRENCES, **filters)

    def occurrence(self, occurrence_id: str) -> OccurrenceDetail:
        return self.api.read(OccurrenceDetail, f"{_OCCURRENCES}{occurrence_id}/")

    def identify(self, items: Sequence[IdentificationItem]) -> list[IdentificationResult]:
        """What became of each; one that is refused does not hold back the others."""
        body = NewIdentifications(items=list(items))
        return self.api.send(IdentificationResults, "POST", f"{_OCCURRENCES}identifications/", body).items

    # operations

    def operations(self, **filters: Unpack[OperationsListAllFilters]) -> Iterator[OperationReply]:
        return self.api.items(OperationReply, _OPERATIONS, **filters)

    def operation(self, operation_id: str) -> OperationReply:
        return self.api.read(OperationReply, f"{_OPERATIONS}{operation_id}/")

    def operation_log(
        self, operation_id: str, **filters: Unpack[OperationsListLinesFilters]
    ) -> Iterator[OperationLineReply]:
        """The log in order; `after` continues after a line, `level=["error"]` lists the rows that failed."""
        return self.api.items(OperationLineReply, f"{_OPERATIONS}{operation_id}/log/", **filters)

    def cancel_operation(self, operation_id: str) -> OperationReply:
        """Cancels an operation before its next batch; what it did stays."""
        return self.api.send(OperationReply, "POST", f"{_OPERATIONS}{operation_id}/cancel/")

    # classifications

    def machine_detections(
        self, project_id: str, **filters: Unpack[ResultsListMachineDetectionsFilters]
    ) -> Iterator[MachineResult]:
        return self.api.items(MachineResult, f"{_PROJECTS}{project_id}/machine-detections/", **filters)

    def observations(self, **filters: Unpack[ObservationsListObservationsFilters]) -> Iterator[ObservationReply]:
        return self.api.items(ObservationReply, "/api/observations/", **filters)

    def similar_observations(
        self, observation_id: str, **filters: Unpack[ObservationsListSimilarFilters]
    ) -> SimilarObservations:
        """The objects that look most like one, nearest first; there are no further pages."""
        return self.api.read(SimilarObservations, f"/api/observations/{observation_id}/similar/", **filters)

    def classifications(
        self, **filters: Unpack[ClassificationsListClassificationsFilters]
    ) -> Iterator[ClassificationReply]:
        return self.api.items(ClassificationReply, f"{_CLASSIFICATIONS}/", **filters)

    def classification(self, classification_id: str) -> ClassificationDetail:
        return self.api.read(ClassificationDetail, f"{_CLASSIFICATIONS}/{classification_id}/")

    def fork(self, classification_id: str) -> ClassificationDetail:
        """A row of the caller's own with copies of the source's observations."""
        return self.api.send(ClassificationDetail, "POST", f"{_CLASSIFICATIONS}/{classification_id}/fork/")

    def edit(
        self, classification_id: str, observations: Sequence[ObservationChange], *, version: int | None = None
    ) -> ClassificationDetail:
        """Replaces the observations of a person's row that was never approved."""
        change = ClassificationChange(dynamic_attrs=list(observations))
        return self._change(ClassificationDetail, f"{_CLASSIFICATIONS}/{classification_id}/", change, version)

    def approve(self, classification_id: str, version: int) -> ClassificationReply:
        """Accepts a row for its resource; `version` is the one that was seen, so that no newer decision is lost."""
        return self._decide(classification_id, "approve", version)

    def unapprove(self, classification_id: str, version: int) -> ClassificationReply:
        """Withdraws an approval."""
        return self._decide(classification_id, "unapprove", version)

    def give_feedback(self, classification_id: str, observations: Sequence[ObservationInput]) -> ClassificationDetail:
        """A correction of an approved row, for those who decide."""
        path = f"{_CLASSIFICATIONS}/{classification_id}/feedback/"
        return self.api.send(ClassificationDetail, "POST", path, NewFeedback(dynamic_attrs=list(observations)))

    def history(self, resource_id: str, project_id: str) -> History:
        """Every row of a resource in a project, and which was made from which."""
        path = f"/api/media-classifications/resources/{resource_id}/history/"
        return self.api.read(History, path, classification_project_id=project_id)

    def _change(self, kind: type[T], path: str, change: BaseModel, version: int | None) -> T:
        """The changed row; without a version, the fields are set on the row as it is now."""
        seen = self.api.read(RowWithVersion, path).version if version is None else version
        return self.api.send(kind, "PATCH", path, change, headers={"If-Match": f'"{seen}"'})

    def _decide(self, classification_id: str, action: str, version: int) -> ClassificationReply:
        path = f"{_CLASSIFICATIONS}/{classification_id}/{action}/"
        return self.api.send(ClassificationReply, "POST", path, headers={"If-Match": f'"{version}"'})


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(1 << 20):
            yield chunk
