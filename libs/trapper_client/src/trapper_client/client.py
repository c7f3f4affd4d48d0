"""The Expert as people and scripts use it: one method per call, typed answers, no retries of its own but the Api's."""

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from trapper_client.api import Api, Content
from trapper_client.replies import (
    AiRequestReply,
    Classification,
    ClassificationDetail,
    ClassificationProject,
    Collection,
    CollectionCounts,
    CollectionPath,
    Deployment,
    History,
    Job,
    JobResource,
    LinkedCollection,
    MachineSeen,
    Observation,
    Provider,
    ProviderDetail,
    ResearchProject,
    Resource,
    UploadItem,
)

UPLOADS_PER_CALL = 500
_CLASSIFICATIONS = "/api/media-classifications/classifications"


class TrapperClient:
    """A signed-in caller of the Expert."""

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

    def create_token(self, name: str) -> dict[str, Any]:
        """A new token of the caller's own; it is shown this once."""
        return self.api.post("/api/tokens/", {"name": name})

    def tokens(self) -> Iterator[dict[str, Any]]:
        """The caller's tokens that are good, without their secrets."""
        return self.api.pages("/api/tokens/")

    def revoke_token(self, token_id: str) -> None:
        """End one at once."""
        self.api.call("DELETE", f"/api/tokens/{token_id}/")

    # projects, places, collections

    def research_projects(self, *, name: str | None = None) -> Iterator[ResearchProject]:
        return map(ResearchProject.model_validate, self.api.pages("/api/research-projects/", name=name))

    def create_research_project(self, *, name: str, acronym: str) -> ResearchProject:
        body = {"name": name, "acronym": acronym}
        return ResearchProject.model_validate(self.api.post("/api/research-projects/", body))

    def activate_research_project(self, project_id: str) -> None:
        self.api.post(f"/api/research-projects/{project_id}/activate/")

    def classification_projects(self, **filters: Any) -> Iterator[ClassificationProject]:
        pages = self.api.pages("/api/classification-projects/", **filters)
        return map(ClassificationProject.model_validate, pages)

    def create_classification_project(self, **fields: Any) -> ClassificationProject:
        return ClassificationProject.model_validate(self.api.post("/api/classification-projects/", fields))

    def change_classification_project(self, project_id: str, *, version: int | None = None, **settings: Any) -> None:
        self._change(f"/api/classification-projects/{project_id}/", settings, version)

    def collections(self, research_project_id: str, *, name: str | None = None) -> Iterator[Collection]:
        pages = self.api.pages("/api/collections/", research_project_id=research_project_id, name=name)
        return map(Collection.model_validate, pages)

    def create_collection(self, *, research_project_id: str, name: str, description: str = "") -> Collection:
        body = {"research_project_id": research_project_id, "name": name, "description": description}
        return Collection.model_validate(self.api.post("/api/collections/", body))

    def collection_counts(self, collection_id: str) -> CollectionCounts:
        return CollectionCounts.model_validate(self.api.get(f"/api/collections/{collection_id}/counts/"))

    def collection_paths(self, collection_id: str) -> Iterator[CollectionPath]:
        """Every path in a collection; the same bytes under two paths are two of these."""
        return map(CollectionPath.model_validate, self.api.pages(f"/api/collections/{collection_id}/paths/"))

    def deployments(self, research_project_id: str) -> Iterator[Deployment]:
        pages = self.api.pages("/api/deployments/", research_project_id=research_project_id)
        return map(Deployment.model_validate, pages)

    def create_deployment(self, *, research_project_id: str, deployment_id: str) -> Deployment:
        body = {"research_project_id": research_project_id, "deployment_id": deployment_id}
        return Deployment.model_validate(self.api.post("/api/deployments/", body))

    def link_collection(self, project_id: str, collection_id: str, **settings: Any) -> LinkedCollection:
        """Looks at a collection; linking it again answers with the link that is there."""
        body = {"collection_id": collection_id, **settings}
        made = self.api.post(f"/api/classification-projects/{project_id}/collections/", body)
        return LinkedCollection.model_validate(made)

    def change_link(
        self, project_id: str, linked_collection_id: str, *, version: int | None = None, **settings: Any
    ) -> None:
        path = f"/api/classification-projects/{project_id}/collections/{linked_collection_id}/"
        self._change(path, settings, version)

    # media

    def resources(self, **filters: Any) -> Iterator[Resource]:
        return map(Resource.model_validate, self.api.pages("/api/resources/", **filters))

    def resource(self, resource_id: str) -> Resource:
        return Resource.model_validate(self.api.get(f"/api/resources/{resource_id}/"))

    def begin_uploads(
        self, *, research_project_id: str, collection_id: str, items: Sequence[dict[str, Any]]
    ) -> list[UploadItem]:
        """Announces up to UPLOADS_PER_CALL files; announcing one again changes nothing."""
        body = {"research_project_id": research_project_id, "collection_id": collection_id, "items": list(items)}
        return [UploadItem.model_validate(item) for item in self.api.post("/api/uploads/", body)["items"]]

    def upload(self, upload_id: str, content: Content, size: int) -> str:
        """Sends the bytes of an announced file; the resource that they are."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        return self.api.put(f"/api/uploads/{upload_id}/content", content, headers=headers)["resource_id"]

    # models

    def providers(self) -> Iterator[Provider]:
        return map(Provider.model_validate, self.api.pages("/api/ai-providers/"))

    def provider(self, provider_id: str) -> ProviderDetail:
        return ProviderDetail.model_validate(self.api.get(f"/api/ai-providers/{provider_id}/"))

    def sync_providers(self) -> Any:
        """Has the Expert read the catalogues of its Managers again."""
        return self.api.post("/api/ai-providers/sync/")

    # jobs

    def jobs(self, **filters: Any) -> Iterator[Job]:
        return map(Job.model_validate, self.api.pages("/api/ai-classification-jobs/", **filters))

    def job(self, job_id: str) -> Job:
        return Job.model_validate(self.api.get(f"/api/ai-classification-jobs/{job_id}/"))

    def ask_for_ai(self, **request: Any) -> AiRequestReply:
        """Asks for AI; with dry_run only how many resources it would take."""
        return AiRequestReply.model_validate(self.api.post("/api/ai-classification-jobs/", request))

    def job_resources(self, job_id: str, **filters: Any) -> Iterator[JobResource]:
        pages = self.api.pages(f"/api/ai-classification-jobs/{job_id}/resources/", **filters)
        return map(JobResource.model_validate, pages)

    def cancel_job(self, job_id: str) -> Job:
        """Stops it here and there; what was seen already stays."""
        return Job.model_validate(self.api.post(f"/api/ai-classification-jobs/{job_id}/cancel/"))

    def rerun_job(self, job_id: str, *, failed_only: bool) -> AiRequestReply:
        """Asks again for the scope of a job, or for what failed in it."""
        body = {"failed_only": failed_only}
        return AiRequestReply.model_validate(self.api.post(f"/api/ai-classification-jobs/{job_id}/rerun/", body))

    # classifications

    def machine_detections(self, project_id: str, **filters: Any) -> Iterator[MachineSeen]:
        pages = self.api.pages(f"/api/classification-projects/{project_id}/machine-detections/", **filters)
        return map(MachineSeen.model_validate, pages)

    def observations(self, **filters: Any) -> Iterator[Observation]:
        return map(Observation.model_validate, self.api.pages("/api/observations/", **filters))

    def classifications(self, **filters: Any) -> Iterator[Classification]:
        return map(Classification.model_validate, self.api.pages(f"{_CLASSIFICATIONS}/", **filters))

    def classification(self, classification_id: str) -> ClassificationDetail:
        return ClassificationDetail.model_validate(self.api.get(f"{_CLASSIFICATIONS}/{classification_id}/"))

    def fork(self, classification_id: str) -> ClassificationDetail:
        """A row of the caller's own with copies of what this one says."""
        return ClassificationDetail.model_validate(self.api.post(f"{_CLASSIFICATIONS}/{classification_id}/fork/"))

    def edit(
        self, classification_id: str, observations: Sequence[dict[str, Any]], *, version: int | None = None
    ) -> ClassificationDetail:
        """Replaces the observations of a person's row that was never approved."""
        body = {"dynamic_attrs": list(observations)}
        return ClassificationDetail.model_validate(
            self._change(f"{_CLASSIFICATIONS}/{classification_id}/", body, version)
        )

    def approve(self, classification_id: str, version: int) -> Classification:
        """The accepted answer for its resource; `version` is the one that was seen, so that nobody is overruled."""
        return self._decide(classification_id, "approve", version)

    def unapprove(self, classification_id: str, version: int) -> Classification:
        """Nothing is accepted for the resource any more."""
        return self._decide(classification_id, "unapprove", version)

    def give_feedback(self, classification_id: str, observations: Sequence[dict[str, Any]]) -> ClassificationDetail:
        """A correction of what is approved, for those who decide."""
        path = f"{_CLASSIFICATIONS}/{classification_id}/feedback/"
        return ClassificationDetail.model_validate(self.api.post(path, {"dynamic_attrs": list(observations)}))

    def history(self, resource_id: str, project_id: str) -> History:
        """Every row of a resource in a project, and which was made from which."""
        path = f"/api/media-classifications/resources/{resource_id}/history/"
        return History.model_validate(self.api.get(path, classification_project_id=project_id))

    def _change(self, path: str, body: Any, version: int | None) -> Any:
        """The changed row; without a version of the caller's, what is given is set on the row as it is now."""
        seen = self.api.get(path)["version"] if version is None else version
        return self.api.patch(path, body, headers={"If-Match": f'"{seen}"'})

    def _decide(self, classification_id: str, action: str, version: int) -> Classification:
        path = f"{_CLASSIFICATIONS}/{classification_id}/{action}/"
        return Classification.model_validate(self.api.post(path, headers={"If-Match": f'"{version}"'}))
