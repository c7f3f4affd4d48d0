"""Who may call which route of the Expert, as data; `python -m tests.support.access_table` prints docs/access.md."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fastapi.routing import APIRoute

from expert.access.state import (
    EVERYTHING,
    Capability,
    ClassificationRole,
    ResearchRole,
    in_scope,
    may_in_classification_project,
    may_in_research_project,
)
from expert.app import contract_app
from trapper_kit.web.guards import api_routes, capability_of


class Place(StrEnum):
    """Where a caller needs a role for a route."""

    PUBLIC = "public"
    PERSON = "any account"
    SITE = "site"
    OWN = "own rows"
    RESEARCH = "research project"
    CLASSIFICATION = "classification project"
    SHARED = "research project, or a linked collection to read"


class Outcome(StrEnum):
    """What the access rules make of a call."""

    ALLOWED = "✓"
    UNAUTHENTICATED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"


@dataclass(frozen=True)
class CallerKind:
    """Somebody who tries every route on the same objects; without scopes nobody who is known."""

    name: str
    research_role: ResearchRole | None = None
    classification_role: ClassificationRole | None = None
    is_site_admin: bool = False
    scopes: frozenset[str] | None = frozenset({EVERYTHING})
    owns_rows: bool = False

    def may(self, place: Place, capability: Capability) -> bool:
        """Whether a role of the caller carries the capability in the projects of the objects."""
        if place is Place.CLASSIFICATION:
            return may_in_classification_project(self.classification_role, self.research_role, capability)
        if place is Place.SHARED and capability is Capability.READ and self.may(Place.CLASSIFICATION, capability):
            return True
        return may_in_research_project(self.research_role, capability)


_WRITES = frozenset(Capability) - {Capability.READ, Capability.MANAGE_TOKENS, Capability.ADMINISTER_SITE}
OUTSIDER = CallerKind("owner of another project")
OWNER = CallerKind("owner", ResearchRole.OWNER, owns_rows=True)
CALLERS = (
    CallerKind("without a credential", scopes=None),
    OUTSIDER,
    CallerKind("removed member"),
    CallerKind("viewer", classification_role=ClassificationRole.VIEWER),
    CallerKind("annotator", classification_role=ClassificationRole.ANNOTATOR),
    CallerKind("expert", classification_role=ClassificationRole.EXPERT),
    CallerKind("project admin", classification_role=ClassificationRole.ADMIN),
    CallerKind("member", ResearchRole.MEMBER),
    CallerKind("manager", ResearchRole.MANAGER),
    OWNER,
    CallerKind("site admin", is_site_admin=True),
    CallerKind("owner's token: read", ResearchRole.OWNER, scopes=frozenset({"read"}), owns_rows=True),
    CallerKind(
        "owner's token: all that writes",
        ResearchRole.OWNER,
        scopes=frozenset(capability.value for capability in _WRITES),
        owns_rows=True,
    ),
    CallerKind("owner's token: tokens", ResearchRole.OWNER, scopes=frozenset({"tokens"}), owns_rows=True),
)


@dataclass(frozen=True)
class Rule:
    """Where a route needs its capability, and a call that only access can refuse; `{name}` stands for an id."""

    place: Place
    body: dict[str, Any] | None = None
    query: dict[str, str] = field(default_factory=dict[str, str])
    path: dict[str, str] = field(default_factory=dict[str, str])
    """The names of the ids in the path, where they differ from those of its parameters."""
    stale: bool = False
    """Sends a version that the row does not have, so that an allowed call changes nothing."""


_RESEARCH = {"project_id": "research_project"}
_CLASSIFICATION = {"project_id": "classification_project"}
_FILE = {"name": "a.jpg", "size_bytes": 1, "sha256": "0" * 64}
_MEMBER = {"email": "nobody@example.org"}
_SCOPE = {"scope": {"linked_collection_id": "{link_id}"}}

RULES: dict[str, Rule] = {
    "access_accept": Rule(Place.OWN),
    "access_activate": Rule(Place.SITE),
    "access_begin_session": Rule(Place.PUBLIC, {"email": "nobody@example.org", "password": "a guess"}),
    "access_begin_session_by_link": Rule(Place.PUBLIC, {"token": "a guess"}),
    "access_change_own_password": Rule(
        Place.PERSON, {"current_password": "a guess", "new_password": "a stone, a leaf, a tree"}
    ),
    "access_deactivate": Rule(Place.SITE),
    "access_decline": Rule(Place.OWN),
    "access_drop_classification_member": Rule(Place.CLASSIFICATION, path=_CLASSIFICATION | {"user_id": "nobody"}),
    "access_drop_research_member": Rule(Place.RESEARCH, path=_RESEARCH | {"user_id": "nobody"}),
    "access_end_one_session": Rule(Place.OWN),
    "access_end_other_sessions": Rule(Place.PERSON),
    "access_end_session": Rule(Place.PERSON),
    "access_list_audit": Rule(Place.SITE),
    "access_list_classification_invitations": Rule(Place.CLASSIFICATION, path=_CLASSIFICATION),
    "access_list_classification_members": Rule(Place.CLASSIFICATION, path=_CLASSIFICATION),
    "access_list_invitations": Rule(Place.PERSON),
    "access_list_research_invitations": Rule(Place.RESEARCH, path=_RESEARCH),
    "access_list_research_members": Rule(Place.RESEARCH, path=_RESEARCH),
    "access_list_sessions": Rule(Place.PERSON),
    "access_list_tokens": Rule(Place.PERSON),
    "access_list_users": Rule(Place.SITE),
    "access_make_token": Rule(Place.PERSON, {"name": "script", "scopes": ["tokens"]}),
    "access_read_classification_capabilities": Rule(Place.CLASSIFICATION, path=_CLASSIFICATION),
    "access_read_me": Rule(Place.PERSON),
    "access_read_research_capabilities": Rule(Place.RESEARCH, path=_RESEARCH),
    "access_register_user": Rule(Place.PUBLIC, {"email": "nobody@example.org", "password": "a stone, a leaf, a tree"}),
    "access_reset": Rule(Place.SITE),
    "access_revoke_token": Rule(Place.OWN),
    "access_set_classification_member": Rule(Place.CLASSIFICATION, {**_MEMBER, "role": "viewer"}, path=_CLASSIFICATION),
    "access_set_research_member": Rule(Place.RESEARCH, {**_MEMBER, "role": "member"}, path=_RESEARCH),
    "access_withdraw_classification_invitation": Rule(
        Place.CLASSIFICATION, path=_CLASSIFICATION | {"invitation_id": "nobody"}
    ),
    "access_withdraw_research_invitation": Rule(Place.RESEARCH, path=_RESEARCH | {"invitation_id": "nobody"}),
    "algorithms_list_all": Rule(Place.PERSON),
    "algorithms_list_labels": Rule(Place.PERSON),
    "algorithms_read": Rule(Place.PERSON),
    "classification_projects_change": Rule(Place.CLASSIFICATION, {"name": "other"}, path=_CLASSIFICATION, stale=True),
    "classification_projects_change_link": Rule(Place.CLASSIFICATION, {}, path=_CLASSIFICATION, stale=True),
    "classification_projects_count_link": Rule(Place.CLASSIFICATION, path=_CLASSIFICATION),
    "classification_projects_link": Rule(
        Place.CLASSIFICATION, {"collection_id": "{collection_id}"}, path=_CLASSIFICATION
    ),
    "classification_projects_list_all": Rule(Place.PERSON),
    "classification_projects_list_links": Rule(Place.CLASSIFICATION, path=_CLASSIFICATION),
    "classification_projects_make": Rule(
        Place.RESEARCH, {"research_project_id": "{research_project}", "name": "{unique}"}
    ),
    "classification_projects_read": Rule(Place.CLASSIFICATION, path=_CLASSIFICATION),
    "classification_projects_read_link": Rule(Place.CLASSIFICATION, path=_CLASSIFICATION),
    "classifications_approve": Rule(Place.CLASSIFICATION, stale=True),
    "classifications_edit": Rule(Place.CLASSIFICATION, {"static_attributes": {}}, stale=True),
    "classifications_feedback": Rule(Place.CLASSIFICATION, {"dynamic_attrs": []}),
    "classifications_fork": Rule(Place.CLASSIFICATION),
    "classifications_history": Rule(
        Place.CLASSIFICATION, query={"classification_project_id": "{classification_project}"}
    ),
    "classifications_list_classifications": Rule(Place.PERSON),
    "classifications_read_classification": Rule(Place.CLASSIFICATION),
    "classifications_start": Rule(
        Place.CLASSIFICATION,
        {
            "classification_project_id": "{classification_project}",
            "resource_id": "{resource_id}",
            "dynamic_attrs": [{"observation_type": "blank"}],
        },
    ),
    "classifications_unapprove": Rule(Place.CLASSIFICATION, stale=True),
    "collection_links_consent": Rule(Place.RESEARCH),
    "collection_links_list_links_of_collection": Rule(Place.RESEARCH),
    "collection_links_revoke": Rule(Place.RESEARCH, path={"link_id": "spare_link"}),
    "collections_change": Rule(Place.SHARED, {"name": "other"}, stale=True),
    "collections_count": Rule(Place.SHARED),
    "collections_list_all": Rule(Place.PERSON),
    "collections_list_paths": Rule(Place.SHARED),
    "collections_make": Rule(Place.RESEARCH, {"research_project_id": "{research_project}", "name": "{unique}"}),
    "collections_read": Rule(Place.SHARED),
    "deployments_change": Rule(Place.RESEARCH, {"location_id": "{location_id}"}, stale=True),
    "deployments_list_all": Rule(Place.PERSON),
    "deployments_make": Rule(
        Place.RESEARCH,
        {"research_project_id": "{research_project}", "deployment_id": "{unique}", "location_id": "{location_id}"},
    ),
    "deployments_read": Rule(Place.RESEARCH),
    "embeddings_store_embeddings": Rule(Place.CLASSIFICATION, {}, path=_CLASSIFICATION),
    "health_healthz": Rule(Place.PUBLIC),
    "health_read_metrics": Rule(Place.PUBLIC),
    "health_readyz": Rule(Place.PUBLIC),
    "jobs_ask": Rule(
        Place.CLASSIFICATION,
        {
            "classification_project_id": "{classification_project}",
            "linked_collection_id": "{link_id}",
            "dry_run": True,
        },
    ),
    "jobs_cancel": Rule(Place.CLASSIFICATION),
    "jobs_list_jobs": Rule(Place.PERSON),
    "jobs_list_outcomes": Rule(Place.CLASSIFICATION),
    "jobs_read_for_inference": Rule(Place.PUBLIC),
    "jobs_read_job": Rule(Place.CLASSIFICATION),
    "fleet_instruct": Rule(Place.SITE, path={"connection_id": "kept_connection", "worker_id": "nobody"}),
    "fleet_read": Rule(Place.SITE),
    "fleet_replay": Rule(Place.SITE),
    "jobs_rerun": Rule(Place.CLASSIFICATION, {"dry_run": True}),
    "jobs_rerun_stage_of_job": Rule(Place.CLASSIFICATION),
    "jobs_update_status": Rule(Place.CLASSIFICATION),
    "locations_change": Rule(Place.RESEARCH, {"name": "other"}, stale=True),
    "locations_list_all": Rule(Place.PERSON),
    "locations_make": Rule(Place.RESEARCH, {"research_project_id": "{research_project}", "location_id": "{unique}"}),
    "locations_read": Rule(Place.RESEARCH),
    "observations_list_observations": Rule(Place.PERSON),
    "observations_list_similar": Rule(Place.CLASSIFICATION),
    "observations_read": Rule(Place.CLASSIFICATION),
    "observations_read_provenance": Rule(Place.CLASSIFICATION),
    "operations_cancel": Rule(Place.CLASSIFICATION),
    "occurrences_compute_again": Rule(Place.PERSON, {"occurrence_ids": ["{occurrence_id}"]}),
    "occurrences_identify": Rule(
        Place.PERSON, {"items": [{"occurrence_id": "{occurrence_id}", "taxon_id": "{taxon_id}"}]}
    ),
    "occurrences_list_all": Rule(Place.PERSON),
    "occurrences_read": Rule(Place.CLASSIFICATION),
    "occurrences_withdraw": Rule(Place.PERSON, {"identification_ids": ["{occurrence_id}"]}),
    "operations_list_all": Rule(Place.PERSON),
    "operations_list_lines": Rule(Place.CLASSIFICATION),
    "operations_read": Rule(Place.CLASSIFICATION),
    "post_processing_list_methods": Rule(Place.PERSON),
    "post_processing_list_runs": Rule(Place.PERSON),
    "post_processing_read_options": Rule(Place.CLASSIFICATION, query={"scope": "{scope}"}),
    "post_processing_read_run": Rule(Place.CLASSIFICATION),
    "post_processing_run_method": Rule(Place.CLASSIFICATION, _SCOPE),
    "post_processing_try_method": Rule(Place.CLASSIFICATION, _SCOPE),
    "post_processing_undo": Rule(Place.CLASSIFICATION, {}),
    "providers_connect": Rule(Place.SITE, {"name": "other", "url": "http://127.0.0.1:9", "credential": "x"}),
    "providers_disconnect": Rule(Place.SITE),
    "providers_list_connections": Rule(Place.SITE),
    "providers_list_providers": Rule(Place.PERSON),
    "providers_read_provider": Rule(Place.PERSON),
    "providers_sync": Rule(Place.SITE),
    "research_projects_activate": Rule(Place.SITE, path=_RESEARCH),
    "research_projects_change": Rule(Place.RESEARCH, {"abstract": "other"}, path=_RESEARCH, stale=True),
    "research_projects_list_all": Rule(Place.PERSON),
    "research_projects_read": Rule(Place.RESEARCH, path=_RESEARCH),
    "research_projects_reject": Rule(Place.SITE, path={"project_id": "spare_project"}),
    "research_projects_request": Rule(Place.PERSON, {"name": "{unique}", "acronym": "{unique}"}),
    "resources_change": Rule(Place.SHARED, {"deployment_id": "{deployment_id}"}, stale=True),
    "resources_list_all": Rule(Place.PERSON),
    "resources_list_places": Rule(Place.SHARED),
    "resources_read": Rule(Place.SHARED),
    "resources_read_original": Rule(Place.SHARED),
    "resources_read_thumbnail": Rule(Place.SHARED),
    "results_list_machine_detections": Rule(Place.CLASSIFICATION, path=_CLASSIFICATION),
    "results_list_parses": Rule(Place.CLASSIFICATION),
    "results_reparse": Rule(Place.CLASSIFICATION),
    "sequences_count": Rule(Place.CLASSIFICATION, query={"linked_collection_id": "{link_id}"}),
    "sequences_list_all": Rule(Place.PERSON),
    "sequences_list_members": Rule(Place.CLASSIFICATION),
    "sequences_list_neighbours": Rule(Place.CLASSIFICATION, query={"linked_collection_id": "{link_id}"}),
    "sequences_merge": Rule(Place.CLASSIFICATION, {"sequence_ids": ["{sequence_id}", "{sequence_id}"]}),
    "sequences_read": Rule(Place.CLASSIFICATION),
    "sequences_rebuild": Rule(Place.CLASSIFICATION, {"linked_collection_id": "{link_id}"}),
    "sequences_split_in_two": Rule(Place.CLASSIFICATION, {"resource_id": "{resource_id}"}),
    "statistics_read": Rule(Place.CLASSIFICATION, path=_CLASSIFICATION),
    "taxa_add": Rule(
        Place.CLASSIFICATION,
        {"classification_project_id": "{classification_project}", "scientific_name": "{unique}", "rank": "species"},
    ),
    "taxa_import_file": Rule(
        Place.CLASSIFICATION, query={"classification_project_id": "{classification_project}", "checklist": "col"}
    ),
    "taxa_list_all": Rule(Place.PERSON),
    "taxa_lists_add": Rule(Place.CLASSIFICATION, {"algorithm_id": "{algorithm_id}", "dry_run": True}),
    "taxa_lists_change": Rule(Place.CLASSIFICATION, {"name": "other"}, stale=True),
    "taxa_lists_list_all": Rule(Place.PERSON),
    "taxa_lists_list_taxa": Rule(Place.CLASSIFICATION),
    "taxa_lists_make": Rule(
        Place.CLASSIFICATION, {"classification_project_id": "{classification_project}", "name": "{unique}"}
    ),
    "taxa_lists_read": Rule(Place.CLASSIFICATION),
    "taxa_lists_remove": Rule(Place.CLASSIFICATION),
    "taxa_read": Rule(Place.PERSON),
    "unresolved_labels_list_all": Rule(Place.PERSON),
    "unresolved_labels_match": Rule(
        Place.CLASSIFICATION, {"classification_project_id": "{classification_project}", "dry_run": True}
    ),
    "uploads_begin": Rule(
        Place.RESEARCH,
        {
            "research_project_id": "{research_project}",
            "collection_id": "{collection_id}",
            "items": [{**_FILE, "deployment_id": "{deployment_id}"}],
        },
    ),
    "uploads_receive": Rule(Place.OWN),
    "uploads_receive_many": Rule(Place.PERSON),
}


@dataclass(frozen=True)
class Route:
    """A route with the capability that its guard asks for."""

    operation: str
    method: str
    path: str
    scope: Capability | None

    @property
    def rule(self) -> Rule:
        """Where it needs the capability."""
        return RULES[self.operation]

    def outcome(self, caller: CallerKind) -> Outcome:
        """What the caller gets on the objects of the project."""
        if self.rule.place is Place.PUBLIC:
            return Outcome.ALLOWED
        if caller.scopes is None:
            return Outcome.UNAUTHENTICATED
        if self.scope is not None and not in_scope(caller.scopes, self.scope):
            return Outcome.FORBIDDEN
        return self._outcome_by_role(caller, self.scope or Capability.READ)

    def _outcome_by_role(self, caller: CallerKind, capability: Capability) -> Outcome:
        place = self.rule.place
        exists = {Place.PERSON: True, Place.SITE: True, Place.OWN: caller.owns_rows}
        allowed = {Place.PERSON: True, Place.SITE: caller.is_site_admin, Place.OWN: caller.owns_rows}
        if not exists.get(place, caller.may(place, Capability.READ)):
            return Outcome.NOT_FOUND
        return Outcome.ALLOWED if allowed.get(place, caller.may(place, capability)) else Outcome.FORBIDDEN


def operations() -> dict[tuple[str, str], str]:
    """The operation id of each method and path of the contract."""
    paths: dict[str, dict[str, Any]] = contract_app().openapi()["paths"]
    return {
        (method.upper(), path): operation["operationId"]
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def routes() -> Iterator[Route]:
    """Every route of the contract, by path and method."""
    served: dict[tuple[str, str], APIRoute] = {
        (method, route.path): route for route in api_routes(contract_app().routes) for method in route.methods or ()
    }
    for (method, path), operation in sorted(operations().items(), key=lambda item: (item[0][1], item[0][0])):
        scope = capability_of(served[method, path])
        yield Route(operation, method, path, None if scope is None else Capability(scope))


_BEFORE = """\
# Who may do what

Generated by `python -m tests.support.access_table` from the rules in that file and the guards of the routes;
`tests/attacks/test_access.py` walks every cell against the running Expert. *Scope* is what a token needs, *where* says
in which project the caller's role must carry that capability. The objects belong to the project in which the caller has
the role: a foreign object is the column *owner of another project*, and gets the same reply as one that does not exist.
Archiving an object changes nobody's access.

401: sign in. 403: the caller sees the object, and the role or the scope does not carry the capability. 404: for this
caller the object does not exist.
"""
_AFTER = """
Beyond the table:

- a person's classification is edited by its owner, or by who may approve;
- an original that is held until people in it are blurred opens for `see_originals` alone (owners and managers of the
  research project), and each opening is in the audit log;
- a media grant opens the resources of one open job to the worker that holds it;
- the visibility of a collection or resource is set with `publish` (owners and managers of the research project);
- rows about resources of a linked collection (classifications, observations, outcomes of jobs, machine detections,
  history, counts) are read while the link is open; those with a role in the collection's research project read on;
- only owners make owners, and a research project keeps one.
"""


def page() -> str:
    """The table as docs/access.md."""
    lines = [_BEFORE]
    lines.append("| route | scope | where | " + " | ".join(caller.name for caller in CALLERS) + " |")
    lines.append("|---" * (3 + len(CALLERS)) + "|")
    for route in routes():
        cells = [route.outcome(caller).value for caller in CALLERS]
        scope = "" if route.scope is None else f"`{route.scope.value}`"
        lines.append(f"| {route.method} `{route.path}` | {scope} | {route.rule.place.value} | {' | '.join(cells)} |")
    lines.append(_AFTER)
    return "\n".join(lines)


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - its output is the page
