"""The Expert as people and scripts use it: one method per call, typed answers, no retries of its own but the Api's."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from trapper_client.api import Api, Content
from trapper_client.replies import (
    Asked,
    ClassificationProject,
    Collection,
    CollectionCounts,
    Deployment,
    Job,
    JobResource,
    LinkedCollection,
    MachineSeen,
    Observation,
    Provider,
    ResearchProject,
    Resource,
    UploadItem,
)

UPLOADS_PER_CALL = 500


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

    # projects, places, collections

    def research_projects(self) -> Iterator[ResearchProject]:
        return map(ResearchProject.model_validate, self.api.pages("/api/research-projects/"))

    def create_research_project(self, *, name: str, acronym: str) -> ResearchProject:
        body = {"name": name, "acronym": acronym}
        return ResearchProject.model_validate(self.api.post("/api/research-projects/", body))

    def activate_research_project(self, project_id: str) -> None:
        self.api.post(f"/api/research-projects/{project_id}/activate/")

    def classification_projects(self) -> Iterator[ClassificationProject]:
        return map(ClassificationProject.model_validate, self.api.pages("/api/classification-projects/"))

    def create_classification_project(self, **fields: Any) -> ClassificationProject:
        return ClassificationProject.model_validate(self.api.post("/api/classification-projects/", fields))

    def change_classification_project(self, project_id: str, **settings: Any) -> None:
        self.api.patch(f"/api/classification-projects/{project_id}/", settings)

    def collections(self, research_project_id: str) -> Iterator[Collection]:
        pages = self.api.pages("/api/collections/", research_project_id=research_project_id)
        return map(Collection.model_validate, pages)

    def create_collection(self, *, research_project_id: str, name: str, description: str = "") -> Collection:
        body = {"research_project_id": research_project_id, "name": name, "description": description}
        return Collection.model_validate(self.api.post("/api/collections/", body))

    def collection_counts(self, collection_id: str) -> CollectionCounts:
        return CollectionCounts.model_validate(self.api.get(f"/api/collections/{collection_id}/counts/"))

    def deployments(self, research_project_id: str) -> Iterator[Deployment]:
        pages = self.api.pages("/api/deployments/", research_project_id=research_project_id)
        return map(Deployment.model_validate, pages)

    def create_deployment(self, *, research_project_id: str, deployment_id: str) -> Deployment:
        body = {"research_project_id": research_project_id, "deployment_id": deployment_id}
        return Deployment.model_validate(self.api.post("/api/deployments/", body))

    def linked_collections(self, project_id: str) -> Iterator[LinkedCollection]:
        pages = self.api.pages(f"/api/classification-projects/{project_id}/collections/")
        return map(LinkedCollection.model_validate, pages)

    def link_collection(self, project_id: str, collection_id: str, **settings: Any) -> LinkedCollection:
        body = {"collection_id": collection_id, **settings}
        made = self.api.post(f"/api/classification-projects/{project_id}/collections/", body)
        return LinkedCollection.model_validate(made)

    # media

    def resources(self, **filters: Any) -> Iterator[Resource]:
        return map(Resource.model_validate, self.api.pages("/api/resources/", **filters))

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

    def sync_providers(self) -> Any:
        """Has the Expert read the catalogues of its Managers again."""
        return self.api.post("/api/ai-providers/sync/")

    # jobs

    def jobs(self, **filters: Any) -> Iterator[Job]:
        return map(Job.model_validate, self.api.pages("/api/ai-classification-jobs/", **filters))

    def job(self, job_id: str) -> Job:
        return Job.model_validate(self.api.get(f"/api/ai-classification-jobs/{job_id}/"))

    def ask_for_ai(self, **request: Any) -> Asked:
        """Asks for AI; with dry_run only how many resources it would take."""
        return Asked.model_validate(self.api.post("/api/ai-classification-jobs/", request))

    def job_resources(self, job_id: str, **filters: Any) -> Iterator[JobResource]:
        pages = self.api.pages(f"/api/ai-classification-jobs/{job_id}/resources/", **filters)
        return map(JobResource.model_validate, pages)

    def act_on_job(self, job_id: str, action: str, body: Any = None) -> Any:
        """cancel, rerun, update_status, reparse_results."""
        return self.api.post(f"/api/ai-classification-jobs/{job_id}/{action}/", body)

    # classifications

    def machine_detections(self, project_id: str, **filters: Any) -> Iterator[MachineSeen]:
        pages = self.api.pages(f"/api/classification-projects/{project_id}/machine-detections/", **filters)
        return map(MachineSeen.model_validate, pages)

    def observations(self, **filters: Any) -> Iterator[Observation]:
        return map(Observation.model_validate, self.api.pages("/api/observations/", **filters))

    def classifications(self, **filters: Any) -> Iterable[dict[str, Any]]:
        return self.api.pages("/api/media-classifications/classifications/", **filters)

    def classification(self, classification_id: str) -> dict[str, Any]:
        return self.api.get(f"/api/media-classifications/classifications/{classification_id}/")

    def act_on_classification(
        self, classification_id: str, action: str, body: Any = None, *, version: int | None = None
    ) -> dict[str, Any]:
        """fork, approve (with the version of the final row), unapprove, feedback."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        path = f"/api/media-classifications/classifications/{classification_id}/{action}/"
        return self.api.post(path, body, headers=headers)

    def history(self, resource_id: str, project_id: str) -> Any:
        """Every row of a resource in a project, and how they hang together."""
        path = f"/api/media-classifications/resources/{resource_id}/history/"
        return self.api.get(path, classification_project_id=project_id)
