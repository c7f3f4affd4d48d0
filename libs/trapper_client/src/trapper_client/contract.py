"""Requests and replies of the Expert. Generated from services/expert/openapi.json by `make openapi`; not edited."""

from enum import StrEnum
from typing import Annotated, Literal
from pydantic import ConfigDict, Field, SecretStr, StringConstraints
from trapper_client.base import ContractModel
from datetime import date, datetime


class AlgorithmKind(StrEnum):
    """
    Kinds of algorithms: the first four are models, the others are computed from predictions.
    """

    DETECTION = "detection"
    CLASSIFICATION = "classification"
    EMBEDDING = "embedding"
    DEPTH = "depth"
    POST_PROCESSING = "post_processing"
    TRACKING = "tracking"


class AlgorithmSummary(ContractModel):
    """
    An algorithm as other replies name it, without its labels.
    """

    id: Annotated[str, Field(description="id of the row")]
    kind: Annotated[
        AlgorithmKind,
        Field(
            description="what the model computes: detections, classes, features, depth or poses"
        ),
    ]
    name: Annotated[str, Field(description="what people call it")]
    version: Annotated[
        str, Field(description="which release of it, at most 40 characters")
    ]


class AnnouncedFile(ContractModel):
    """
    A file that will be sent; name and path are kept as they are, and never used as a path here.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    deployment_id: Annotated[
        str | None,
        Field(description="the deployment that it was taken at; null when unknown"),
    ] = None
    name: Annotated[
        str, Field(description="file name, 1 to 1,000 characters, kept as it is")
    ]
    path: Annotated[
        str, Field(description="path relative to the uploaded folder, kept as it is")
    ] = ""
    sha256: Annotated[
        str, Field(description="sha256 of the bytes, 64 lower-case hexadecimal digits")
    ]
    size_bytes: Annotated[int, Field(description="size in bytes, from 0")]


class AppliedTo(ContractModel):
    """
    The prediction that another was derived from.
    """

    algorithm: Annotated[AlgorithmSummary, Field(description="which predicted it")]
    created_at: Annotated[datetime, Field(description="when it was made")]
    id: Annotated[str, Field(description="id of the row")]
    label: Annotated[str, Field(description="label as the model has it")]
    score: Annotated[float, Field(description="how sure the model was, 0 to 1")]
    taxon_id: Annotated[str | None, Field(description="id of the taxon")]


class ApprovalOptions(ContractModel):
    """
    Beside the row itself.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    allow_superseded: Annotated[
        bool, Field(description="also a row that a newer AI run superseded")
    ] = False


class ApprovalReply(ContractModel):
    """
    An approval of a row, also one that ended because another row was approved or because it was taken back.
    """

    approved_at: Annotated[
        datetime, Field(description="when it was approved; null when it is not")
    ]
    approved_by_id: Annotated[
        str | None, Field(description="the person who approved it")
    ]
    ended_at: Annotated[
        datetime | None, Field(description="when it ended; null while it holds")
    ]
    ended_by_id: Annotated[str | None, Field(description="the person who ended it")]


class Action(StrEnum):
    """
    what was done, such as `token-revoked`
    """

    ACTIVATED = "activated"
    ACTIVE = "active"
    APPROVED = "approved"
    CONNECTED = "connected"
    DEACTIVATED = "deactivated"
    DISCONNECTED = "disconnected"
    EDITED = "edited"
    HELD_ORIGINAL_OPENED = "held-original-opened"
    INVITATION_ACCEPTED = "invitation-accepted"
    INVITATION_DECLINED = "invitation-declined"
    INVITATION_WITHDRAWN = "invitation-withdrawn"
    INVITED = "invited"
    LINK_CONSENTED = "link-consented"
    LINK_REVOKED = "link-revoked"
    LINKED = "linked"
    PASSWORD_CHANGED = "password-changed"
    PASSWORD_RESET = "password-reset"
    REJECTED = "rejected"
    REQUESTED = "requested"
    ROLE_CHANGED = "role-changed"
    ROLE_REMOVED = "role-removed"
    SESSIONS_ENDED = "sessions-ended"
    SIGN_IN_REFUSED = "sign-in-refused"
    SIGNED_IN = "signed-in"
    SIGNED_OUT = "signed-out"
    TAXON_ADDED = "taxon-added"
    TOKEN_MADE = "token-made"
    TOKEN_REVOKED = "token-revoked"
    UNAPPROVED = "unapproved"


class AuditEntryReply(ContractModel):
    action: Annotated[
        Action, Field(description="what was done, such as `token-revoked`")
    ]
    actor_id: Annotated[
        str | None,
        Field(description="the person who did it; null for the system itself"),
    ]
    at: Annotated[datetime, Field(description="when it was done")]
    details: Annotated[
        dict[str, object] | None,
        Field(description="what else is known about it, by name"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    subject_id: Annotated[str | None, Field(description="id of what it was done to")]
    subject_kind: Annotated[
        str, Field(description="kind of what it was done to, such as `token`")
    ]


class Availability(StrEnum):
    """
    `ready`: can be downloaded as it is; `convert`: from published weights by a script; `bring`: only by hand.
    """

    READY = "ready"
    CONVERT = "convert"
    BRING = "bring"


class Blocked(ContractModel):
    """
    A lasting reason; it goes away by itself once its cause has gone.
    """

    code: Annotated[str, Field(description="stable, for programs")]
    message: Annotated[str, Field(description="what is wrong, in one sentence")]
    what_to_do: Annotated[
        str,
        Field(
            description="what a person does about it, with the command where there is one"
        ),
    ]


class CallerReply(ContractModel):
    """
    `csrf_token` is there when the caller is a browser's session.
    """

    csrf_token: Annotated[
        str | None,
        Field(
            description="repeated in X-CSRF-Token by browsers on every writing request; null for callers with a token"
        ),
    ]
    email: Annotated[str, Field(description="e-mail address")]
    id: Annotated[str, Field(description="id of the row")]
    is_site_admin: Annotated[
        bool, Field(description="whether the person administers the whole site")
    ]
    scopes: Annotated[
        list[str] | None,
        Field(
            description="what the token may do; `*` is everything that its owner may; null for a browser's session"
        ),
    ]


class CandidateTaxon(ContractModel):
    """
    A taxon that a label may mean.
    """

    id: Annotated[str, Field(description="id of the row")]
    scientific_name: Annotated[
        str,
        Field(
            description="Latin name of the taxon, with author and year where the source gives them, at most 200 characters"
        ),
    ]


class Capability(StrEnum):
    """
    What a caller may do; guards, token scopes and the table below use these names.
    """

    READ = "read"
    UPLOAD = "upload"
    DESCRIBE = "describe"
    GIVE_FEEDBACK = "give_feedback"
    ANNOTATE = "annotate"
    APPROVE = "approve"
    RUN_AI = "run_ai"
    ADMINISTER = "administer"
    CREATE_PROJECTS = "create_projects"
    SEE_ORIGINALS = "see_originals"
    PUBLISH = "publish"
    TOKENS = "tokens"
    ADMINISTER_SITE = "administer_site"


class CaptureMethod(StrEnum):
    """
    In the words of Camtrap DP.
    """

    ACTIVITY_DETECTION = "activityDetection"
    TIME_LAPSE = "timeLapse"


class ChangedDeployment(ContractModel):
    """
    A deployment after a change, and how many rows changed because of it.
    """

    bait_use: Annotated[
        bool | None, Field(description="whether bait was used; null when nobody knows")
    ]
    camera_delay_seconds: Annotated[
        float | None, Field(description="seconds between two triggers, from 0")
    ]
    camera_heading_degrees: Annotated[
        float | None,
        Field(
            description="direction of the camera in degrees clockwise from north, 0 to 360"
        ),
    ]
    camera_height_metres: Annotated[
        float | None, Field(description="height above the ground in metres, from 0")
    ]
    camera_id: Annotated[
        str | None,
        Field(
            description="the camera's own name or serial number, at most 200 characters"
        ),
    ]
    camera_model: Annotated[
        str | None, Field(description="maker and model, at most 200 characters")
    ]
    camera_tilt_degrees: Annotated[
        float | None,
        Field(
            description="tilt of the camera in degrees: -90 looks down, 0 is level, 90 looks up"
        ),
    ]
    comments: Annotated[str, Field(description="free text, at most 10,000 characters")]
    created_at: Annotated[datetime, Field(description="when it was made")]
    deployment_id: Annotated[
        str,
        Field(
            description="name of the deployment, unique in its project, 1 to 200 characters"
        ),
    ]
    detection_distance_metres: Annotated[
        float | None,
        Field(
            description="greatest distance in metres, from 0, at which the camera triggers"
        ),
    ]
    end_at: Annotated[
        datetime | None,
        Field(description="end of the deployment, after its start; null when unknown"),
    ]
    feature_type: Annotated[
        str | None,
        Field(
            description="what the camera looks at, such as a trail; at most 200 characters"
        ),
    ]
    habitat: Annotated[
        str | None,
        Field(description="what grows or lies around, at most 200 characters"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    location_id: Annotated[str | None, Field(description="id of the location")]
    observations_changed: Annotated[
        int,
        Field(description="number of observations that changed because of it, from 0"),
    ]
    research_project_id: Annotated[str, Field(description="id of the research project")]
    resources_changed: Annotated[
        int, Field(description="number of resources that changed because of it, from 0")
    ]
    set_up_by: Annotated[
        str | None, Field(description="who set the camera up, at most 200 characters")
    ]
    start_at: Annotated[
        datetime | None, Field(description="begin of the deployment; null when unknown")
    ]
    tags: Annotated[list[str], Field(description="short words to find it by")]
    timestamp_issues: Annotated[
        bool, Field(description="whether the camera's clock is known to be wrong")
    ]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]


class ChangedLocation(ContractModel):
    """
    A location after a change, and how many rows have other times because of it.
    """

    coordinate_uncertainty_metres: Annotated[
        float | None,
        Field(
            description="radius in metres, greater than 0, in which the true place lies; null when unknown"
        ),
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    habitat: Annotated[
        str | None,
        Field(description="what grows or lies around, at most 200 characters"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    ignore_dst: Annotated[
        bool,
        Field(description="whether the camera clocks are not changed to summer time"),
    ]
    is_public: Annotated[
        bool, Field(description="whether everybody may see the coordinates")
    ]
    latitude: Annotated[
        float | None,
        Field(description="degrees north, -90 to 90, WGS 84; null when unknown"),
    ]
    location_id: Annotated[
        str,
        Field(
            description="name of the location, unique in its project, 1 to 200 characters"
        ),
    ]
    longitude: Annotated[
        float | None,
        Field(description="degrees east, -180 to 180, WGS 84; null when unknown"),
    ]
    name: Annotated[
        str,
        Field(
            description="further name for people, at most 200 characters; may be empty"
        ),
    ]
    observations_changed: Annotated[
        int,
        Field(description="number of observations that changed because of it, from 0"),
    ]
    research_project_id: Annotated[str, Field(description="id of the research project")]
    resources_changed: Annotated[
        int, Field(description="number of resources that changed because of it, from 0")
    ]
    time_zone: Annotated[
        str | None,
        Field(description="IANA name, such as Europe/Warsaw; null when unknown"),
    ]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]


class ClassificationProjectStatus(StrEnum):
    """
    Nothing is submitted for a finished one.
    """

    ONGOING = "ongoing"
    FINISHED = "finished"


class ClassificationRole(StrEnum):
    """
    A role in a classification project.
    """

    ADMIN = "admin"
    EXPERT = "expert"
    ANNOTATOR = "annotator"
    VIEWER = "viewer"


class ClassificationType(StrEnum):
    """
    `final` is the container of what is accepted; the others say something about the resource.
    """

    FINAL = "final"
    AI = "ai"
    USER = "user"
    FEEDBACK = "feedback"


class CollectionCounts(ContractModel):
    """
    Distinct resources that are not archived, by what is known about them; the same bytes count once per path.

    `stored` are not read yet, `unreadable` cannot be read, `damaged` are described and partly lost; `time_issues` have
    an ambiguous or impossible time; `outside_deployment` were taken outside of their deployment's period;
    `elsewhere_paths` were uploaded for another deployment than the one that has the resource.
    """

    archived: Annotated[
        int,
        Field(
            description="number of archived resources, from 0; they are in no other count"
        ),
    ]
    damaged: Annotated[
        int, Field(description="number of files of which a part is lost, from 0")
    ]
    described: Annotated[
        int, Field(description="number of resources that were read, from 0")
    ]
    elsewhere_paths: Annotated[
        int,
        Field(
            description="number of paths uploaded for another deployment than the resource's, from 0"
        ),
    ]
    outside_deployment: Annotated[
        int,
        Field(
            description="number of resources captured outside of their deployment's period, from 0"
        ),
    ]
    paths: Annotated[
        int,
        Field(
            description="number of paths, from 0; the same bytes count once per path"
        ),
    ]
    resources: Annotated[int, Field(description="number of resources, from 0")]
    stored: Annotated[
        int, Field(description="number of resources that are not read yet, from 0")
    ]
    time_issues: Annotated[
        int,
        Field(
            description="number of resources with an ambiguous or impossible time, from 0"
        ),
    ]
    unreadable: Annotated[
        int, Field(description="number of files that cannot be read, from 0")
    ]
    unreadable_paths: Annotated[
        int, Field(description="number of paths to files that cannot be read, from 0")
    ]
    without_time: Annotated[
        int, Field(description="number of resources without a time, from 0")
    ]


class ConnectionReply(ContractModel):
    """
    Never with its credential.
    """

    created_at: Annotated[datetime, Field(description="when it was made")]
    has_notifications: Annotated[
        bool,
        Field(
            description="whether the Manager notifies the Expert of finished batches"
        ),
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    name: Annotated[
        str,
        Field(description="name of the connected Manager, unique, 1 to 100 characters"),
    ]
    sync_problem: Annotated[
        str | None,
        Field(description="why the catalogue could not be read; null when it could"),
    ]
    synced_at: Annotated[
        datetime | None,
        Field(description="when the catalogue was last read; null before"),
    ]
    url: Annotated[
        str, Field(description="address, beginning with http:// or https://")
    ]


class Counts(ContractModel):
    """
    Numbers of resources, each from 0, and of observations.
    """

    approved: Annotated[
        int, Field(description="resources with an approved classification, from 0")
    ]
    blank: Annotated[
        int, Field(description="resources in which nothing was seen, from 0")
    ]
    by_people: Annotated[
        int, Field(description="resources that a person classified, from 0")
    ]
    failed: Annotated[
        int,
        Field(description="resources for which the AI ended without a result, from 0"),
    ]
    in_review: Annotated[
        int,
        Field(
            description="resources that a person classified and nobody approved yet, from 0"
        ),
    ]
    observations: Annotated[
        int,
        Field(
            description="observations of the approved row, else of the newest AI row, from 0"
        ),
    ]
    resources: Annotated[int, Field(description="resources, each once, from 0")]
    with_ai: Annotated[
        int, Field(description="resources with a result of the AI, from 0")
    ]
    without_ai: Annotated[
        int, Field(description="resources without a result of the AI, from 0")
    ]


class DayCounts(ContractModel):
    """
    The resources of a day of the place's clock.
    """

    approved: Annotated[
        int, Field(description="resources with an approved classification, from 0")
    ]
    blank: Annotated[
        int, Field(description="resources in which nothing was seen, from 0")
    ]
    by_people: Annotated[
        int, Field(description="resources that a person classified, from 0")
    ]
    day: Annotated[date | None, Field(description="null for resources without a time")]
    failed: Annotated[
        int,
        Field(description="resources for which the AI ended without a result, from 0"),
    ]
    in_review: Annotated[
        int,
        Field(
            description="resources that a person classified and nobody approved yet, from 0"
        ),
    ]
    observations: Annotated[
        int,
        Field(
            description="observations of the approved row, else of the newest AI row, from 0"
        ),
    ]
    resources: Annotated[int, Field(description="resources, each once, from 0")]
    with_ai: Annotated[
        int, Field(description="resources with a result of the AI, from 0")
    ]
    without_ai: Annotated[
        int, Field(description="resources without a result of the AI, from 0")
    ]


class DeadTaskReply(ContractModel):
    """
    A message to the task process that failed as often as it may.
    """

    arguments: Annotated[dict[str, str], Field(description="what it was called with")]
    died_at: Annotated[datetime, Field(description="when it failed for the last time")]
    error: Annotated[
        str | None, Field(description="last line of the traceback; null without one")
    ]
    id: Annotated[str, Field(description="id of the row")]
    task: Annotated[str, Field(description="name of the task")]


class DeploymentChange(ContractModel):
    """
    Only what is given changes.
    """

    bait_use: Annotated[
        bool | None, Field(description="whether bait was used; null when nobody knows")
    ] = None
    camera_delay_seconds: Annotated[
        float | None, Field(description="seconds between two triggers, from 0")
    ] = None
    camera_heading_degrees: Annotated[
        float | None,
        Field(
            description="direction of the camera in degrees clockwise from north, 0 to 360"
        ),
    ] = None
    camera_height_metres: Annotated[
        float | None, Field(description="height above the ground in metres, from 0")
    ] = None
    camera_id: Annotated[
        str | None,
        Field(
            description="the camera's own name or serial number, at most 200 characters"
        ),
    ] = None
    camera_model: Annotated[
        str | None, Field(description="maker and model, at most 200 characters")
    ] = None
    camera_tilt_degrees: Annotated[
        float | None,
        Field(
            description="tilt of the camera in degrees: -90 looks down, 0 is level, 90 looks up"
        ),
    ] = None
    comments: Annotated[
        str | None, Field(description="free text, at most 10,000 characters")
    ] = None
    deployment_id: Annotated[
        str | None,
        Field(
            description="name of the deployment, unique in its project, 1 to 200 characters"
        ),
    ] = None
    detection_distance_metres: Annotated[
        float | None,
        Field(
            description="greatest distance in metres, from 0, at which the camera triggers"
        ),
    ] = None
    end_at: Annotated[
        datetime | None,
        Field(description="end of the deployment, after its start; null when unknown"),
    ] = None
    feature_type: Annotated[
        str | None,
        Field(
            description="what the camera looks at, such as a trail; at most 200 characters"
        ),
    ] = None
    habitat: Annotated[
        str | None,
        Field(description="what grows or lies around, at most 200 characters"),
    ] = None
    is_active: Annotated[
        bool | None,
        Field(description="false for what is archived, paused or switched off"),
    ] = None
    location_id: Annotated[str | None, Field(description="id of the location")] = None
    set_up_by: Annotated[
        str | None, Field(description="who set the camera up, at most 200 characters")
    ] = None
    start_at: Annotated[
        datetime | None, Field(description="begin of the deployment; null when unknown")
    ] = None
    tags: Annotated[
        list[str] | None, Field(description="short words to find it by")
    ] = None
    timestamp_issues: Annotated[
        bool | None,
        Field(description="whether the camera's clock is known to be wrong"),
    ] = None


class DeploymentCounts(ContractModel):
    """
    The resources of a deployment, with its effort.
    """

    approved: Annotated[
        int, Field(description="resources with an approved classification, from 0")
    ]
    blank: Annotated[
        int, Field(description="resources in which nothing was seen, from 0")
    ]
    by_people: Annotated[
        int, Field(description="resources that a person classified, from 0")
    ]
    deployment_id: Annotated[
        str | None, Field(description="null for resources without a deployment")
    ]
    end_at: Annotated[
        datetime | None,
        Field(description="end of the deployment, after its start; null when unknown"),
    ]
    failed: Annotated[
        int,
        Field(description="resources for which the AI ended without a result, from 0"),
    ]
    in_review: Annotated[
        int,
        Field(
            description="resources that a person classified and nobody approved yet, from 0"
        ),
    ]
    name: Annotated[
        str | None, Field(description="the deployment's name, as its people gave it")
    ]
    observations: Annotated[
        int,
        Field(
            description="observations of the approved row, else of the newest AI row, from 0"
        ),
    ]
    resources: Annotated[int, Field(description="resources, each once, from 0")]
    start_at: Annotated[
        datetime | None, Field(description="begin of the deployment; null when unknown")
    ]
    trap_nights: Annotated[
        int | None,
        Field(
            description="nights between start and end, from 0; null while one is unknown"
        ),
    ]
    with_ai: Annotated[
        int, Field(description="resources with a result of the AI, from 0")
    ]
    without_ai: Annotated[
        int, Field(description="resources without a result of the AI, from 0")
    ]


class DeploymentReply(ContractModel):
    bait_use: Annotated[
        bool | None, Field(description="whether bait was used; null when nobody knows")
    ]
    camera_delay_seconds: Annotated[
        float | None, Field(description="seconds between two triggers, from 0")
    ]
    camera_heading_degrees: Annotated[
        float | None,
        Field(
            description="direction of the camera in degrees clockwise from north, 0 to 360"
        ),
    ]
    camera_height_metres: Annotated[
        float | None, Field(description="height above the ground in metres, from 0")
    ]
    camera_id: Annotated[
        str | None,
        Field(
            description="the camera's own name or serial number, at most 200 characters"
        ),
    ]
    camera_model: Annotated[
        str | None, Field(description="maker and model, at most 200 characters")
    ]
    camera_tilt_degrees: Annotated[
        float | None,
        Field(
            description="tilt of the camera in degrees: -90 looks down, 0 is level, 90 looks up"
        ),
    ]
    comments: Annotated[str, Field(description="free text, at most 10,000 characters")]
    created_at: Annotated[datetime, Field(description="when it was made")]
    deployment_id: Annotated[
        str,
        Field(
            description="name of the deployment, unique in its project, 1 to 200 characters"
        ),
    ]
    detection_distance_metres: Annotated[
        float | None,
        Field(
            description="greatest distance in metres, from 0, at which the camera triggers"
        ),
    ]
    end_at: Annotated[
        datetime | None,
        Field(description="end of the deployment, after its start; null when unknown"),
    ]
    feature_type: Annotated[
        str | None,
        Field(
            description="what the camera looks at, such as a trail; at most 200 characters"
        ),
    ]
    habitat: Annotated[
        str | None,
        Field(description="what grows or lies around, at most 200 characters"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    location_id: Annotated[str | None, Field(description="id of the location")]
    research_project_id: Annotated[str, Field(description="id of the research project")]
    set_up_by: Annotated[
        str | None, Field(description="who set the camera up, at most 200 characters")
    ]
    start_at: Annotated[
        datetime | None, Field(description="begin of the deployment; null when unknown")
    ]
    tags: Annotated[list[str], Field(description="short words to find it by")]
    timestamp_issues: Annotated[
        bool, Field(description="whether the camera's clock is known to be wrong")
    ]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]


class DeterminationSource(StrEnum):
    """
    What the determination of an occurrence comes from: the first of these that there is.
    """

    IDENTIFICATION = "identification"
    APPROVAL = "approval"
    PREDICTION = "prediction"


class DeterminedTaxon(ContractModel):
    """
    A taxon by its id and name.
    """

    id: Annotated[str, Field(description="id of the row")]
    scientific_name: Annotated[
        str,
        Field(
            description="Latin name of the taxon, with author and year where the source gives them, at most 200 characters"
        ),
    ]


class Device(ContractModel):
    """
    One thing that computes.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    kind: Annotated[str, Field(description="cpu, cuda, hailo")]
    memory_bytes: Annotated[
        int | None,
        Field(description="memory of the device in bytes, from 0; null when unknown"),
    ] = None
    name: Annotated[
        str, Field(description="the maker's name of the device, at most 200 characters")
    ]


class DeviceLoad(ContractModel):
    """
    How busy one device was since the last heartbeat, and what its process holds.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    busy: Annotated[
        float,
        Field(description="share of the time in which a batch was being computed"),
    ]
    memory_bytes: Annotated[
        int | None, Field(description="bytes held by its inference process")
    ] = None
    name: Annotated[
        str, Field(description="the maker's name of the device, at most 200 characters")
    ]


class EmbeddingBackfill(ContractModel):
    """
    Nothing has to be said: the embedding model is the project's.
    """

    model_config = ConfigDict(
        extra="forbid",
    )


class EndedSessions(ContractModel):
    ended: Annotated[
        int, Field(description="number of sessions that were ended, from 0")
    ]


class ExampleReply(ContractModel):
    """
    An observation that changes.
    """

    after: Annotated[str, Field(description="the later ones, in order of time")]
    before: Annotated[str, Field(description="the earlier ones, in order of time")]
    observation_id: Annotated[str, Field(description="id of the observation")]


class FailureCode(StrEnum):
    """
    Why a resource failed; stable for ever, listed in docs/problems.md.
    """

    UNDECODABLE = "undecodable"
    EMPTY_FILE = "empty-file"
    TOO_MANY_PIXELS = "too-many-pixels"
    UNSUPPORTED_MEDIA = "unsupported-media"
    MEDIA_UNREACHABLE = "media-unreachable"
    MEDIA_REFUSED = "media-refused"
    MEDIA_CHANGED = "media-changed"
    MODEL_OUTPUT = "model-output"
    INFERENCE_FAILED = "inference-failed"
    KILLED_WORKER = "killed-worker"
    EXHAUSTED = "exhausted"


class Fate(StrEnum):
    """
    What a row comes to; the last two are no taxon that could be added.
    """

    MATCHED = "matched"
    SYNONYM = "synonym"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"


class FeaturesNotStored(ContractModel):
    """
    A model whose features cannot be stored, and why; it cannot be chosen as embedding model.
    """

    model: Annotated[
        str, Field(description="the catalogue entry: its name, version and sha256")
    ]
    reason: Annotated[str, Field(description="why")]


class FieldError(ContractModel):
    """
    One field of a request that was not accepted; `loc` is the path to it, the input is never repeated.
    """

    code: Annotated[str, Field(description="stable code of the reason, for programs")]
    loc: Annotated[
        list[str | int],
        Field(description="path to the field: where it stands, then names and indices"),
    ]
    message: Annotated[str, Field(description="one sentence for people")]


class HourCounts(ContractModel):
    """
    The resources of an hour of the day by the place's clock.
    """

    approved: Annotated[
        int, Field(description="resources with an approved classification, from 0")
    ]
    blank: Annotated[
        int, Field(description="resources in which nothing was seen, from 0")
    ]
    by_people: Annotated[
        int, Field(description="resources that a person classified, from 0")
    ]
    failed: Annotated[
        int,
        Field(description="resources for which the AI ended without a result, from 0"),
    ]
    hour: Annotated[
        int | None, Field(description="from 0 to 23; null for resources without a time")
    ]
    in_review: Annotated[
        int,
        Field(
            description="resources that a person classified and nobody approved yet, from 0"
        ),
    ]
    observations: Annotated[
        int,
        Field(
            description="observations of the approved row, else of the newest AI row, from 0"
        ),
    ]
    resources: Annotated[int, Field(description="resources, each once, from 0")]
    with_ai: Annotated[
        int, Field(description="resources with a result of the AI, from 0")
    ]
    without_ai: Annotated[
        int, Field(description="resources without a result of the AI, from 0")
    ]


class IdentificationItem(ContractModel):
    """
    An occurrence, and either its taxon, or a prediction or another person's identification to agree with.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    agreed_with_id: Annotated[
        str | None,
        Field(
            description="the standing identification of another person that this one agrees with; null when it names a taxon or a prediction"
        ),
    ] = None
    comment: Annotated[
        str | None, Field(description="why, 1 to 2,000 characters; null for none")
    ] = None
    occurrence_id: Annotated[
        str,
        Field(
            description="id of the occurrence: one animal, over all pictures that show it"
        ),
    ]
    prediction_id: Annotated[
        str | None,
        Field(
            description="the prediction of this occurrence that the person agrees with; null when the item names a taxon or an identification"
        ),
    ] = None
    taxon_id: Annotated[str | None, Field(description="id of the taxon")] = None


class IdentificationReply(ContractModel):
    """
    What a person identified an occurrence as.
    """

    agreed_with_id: Annotated[
        str | None, Field(description="the identification that the person agreed with")
    ]
    comment: Annotated[
        str | None, Field(description="why, in the person's words; null for none")
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    created_by: Annotated[
        str, Field(description="the person who asked for it; null for the system")
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_standing: Annotated[
        bool, Field(description="false once it was withdrawn or replaced")
    ]
    occurrence_id: Annotated[
        str,
        Field(
            description="id of the occurrence: one animal, over all pictures that show it"
        ),
    ]
    person: Annotated[str | None, Field(description="name of the person")]
    prediction_id: Annotated[
        str | None, Field(description="the prediction that the person agreed with")
    ]
    scientific_name: Annotated[
        str,
        Field(
            description="Latin name of the taxon, with author and year where the source gives them, at most 200 characters"
        ),
    ]
    taxon_id: Annotated[str, Field(description="id of the taxon")]
    withdrawn_at: Annotated[
        datetime | None,
        Field(description="when its person took it back; null while it was not"),
    ]


class JobKind(StrEnum):
    """
    What a job asks for.
    """

    DETECT = "detect"


class JobProvider(ContractModel):
    """
    The detection model of a job.
    """

    id: Annotated[str, Field(description="id of the row")]
    name: Annotated[str, Field(description="the model's name in the catalogue")]
    version: Annotated[
        str, Field(description="which release of it, at most 40 characters")
    ]


class JobStage(StrEnum):
    """
    How far a job is; `queued` and `running` are the Manager's `planned` and `running` as last polled.
    """

    CREATED = "created"
    SUBMITTED = "submitted"
    QUEUED = "queued"
    RUNNING = "running"
    FETCH_RESULTS = "fetch_results"
    INGESTING = "ingesting"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class KeepLogits(StrEnum):
    """
    Whether classifications keep their logits; `auto` keeps those of models with up to 5,000 labels.
    """

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class LabelCount(ContractModel):
    """
    How often something was seen, by one source.
    """

    observations: Annotated[int, Field(description="observations, from 0")]
    resources: Annotated[int, Field(description="resources, from 0")]


class LabelScore(ContractModel):
    """
    One label that a classifier gave.
    """

    label: Annotated[str, Field(description="label as the model has it")]
    score: Annotated[float, Field(description="how sure the model was, 0 to 1")]


class LifeStage(StrEnum):
    ADULT = "adult"
    SUBADULT = "subadult"
    JUVENILE = "juvenile"


class LinkState(StrEnum):
    """
    Whether the collection's owners let a classification project use it; only an open link gives access.
    """

    REQUESTED = "requested"
    OPEN = "open"
    REVOKED = "revoked"


class LinkedCollectionChange(ContractModel):
    """
    Only what is given changes; an inactive link submits nothing.
    """

    is_active: Annotated[
        bool | None,
        Field(description="false for what is archived, paused or switched off"),
    ] = None
    sequence_interval_seconds: Annotated[
        int | None,
        Field(
            description="captures of one deployment that are at most so many seconds apart are one sequence, 1 to 31,536,000; null takes the project's"
        ),
    ] = None


class LinkedCollectionCounts(ContractModel):
    """
    Resources of a linked collection by how far the AI is with them.
    """

    ai_ended: Annotated[
        int, Field(description="number of resources whose job has ended, from 0")
    ]
    resources: Annotated[int, Field(description="number of resources, from 0")]
    taken: Annotated[
        int, Field(description="number of resources that a job has, from 0")
    ]
    unreadable: Annotated[
        int,
        Field(
            description="number of files that no AI can look at, from 0; they count as ended"
        ),
    ]


class LinkedCollectionReply(ContractModel):
    blocked: Annotated[
        Blocked | None, Field(description="why no job can be made of its resources")
    ] = None
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    collection_id: Annotated[str, Field(description="id of the collection")]
    created_at: Annotated[datetime, Field(description="when it was made")]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    sequence_interval_seconds: Annotated[
        int | None,
        Field(
            description="captures of one deployment that are at most so many seconds apart are one sequence, 1 to 31,536,000; null takes the project's"
        ),
    ]
    state: Annotated[
        LinkState,
        Field(
            description="what the collection's owners decided: requested, open or revoked"
        ),
    ]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]


class ListedTaxonReply(ContractModel):
    """
    A taxon of a list.
    """

    id: Annotated[str, Field(description="id of the row")]
    provisional: Annotated[
        bool, Field(description="added by a person or a model, and in no checklist yet")
    ]
    rank: Annotated[
        str | None, Field(description="such as species; null where it is not known")
    ]
    scientific_name: Annotated[
        str,
        Field(
            description="Latin name of the taxon, with author and year where the source gives them, at most 200 characters"
        ),
    ]


class LocationChange(ContractModel):
    """
    Only what is given changes.
    """

    coordinate_uncertainty_metres: Annotated[
        float | None,
        Field(
            description="radius in metres, greater than 0, in which the true place lies; null when unknown"
        ),
    ] = None
    habitat: Annotated[
        str | None,
        Field(description="what grows or lies around, at most 200 characters"),
    ] = None
    ignore_dst: Annotated[
        bool | None,
        Field(description="whether the camera clocks are not changed to summer time"),
    ] = None
    is_public: Annotated[
        bool | None, Field(description="whether everybody may see the coordinates")
    ] = None
    latitude: Annotated[
        float | None,
        Field(description="degrees north, -90 to 90, WGS 84; null when unknown"),
    ] = None
    location_id: Annotated[
        str | None,
        Field(
            description="name of the location, unique in its project, 1 to 200 characters"
        ),
    ] = None
    longitude: Annotated[
        float | None,
        Field(description="degrees east, -180 to 180, WGS 84; null when unknown"),
    ] = None
    name: Annotated[
        str | None,
        Field(
            description="further name for people, at most 200 characters; may be empty"
        ),
    ] = None
    time_zone: Annotated[
        str | None,
        Field(description="IANA name, such as Europe/Warsaw; null when unknown"),
    ] = None


class LocationReply(ContractModel):
    coordinate_uncertainty_metres: Annotated[
        float | None,
        Field(
            description="radius in metres, greater than 0, in which the true place lies; null when unknown"
        ),
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    habitat: Annotated[
        str | None,
        Field(description="what grows or lies around, at most 200 characters"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    ignore_dst: Annotated[
        bool,
        Field(description="whether the camera clocks are not changed to summer time"),
    ]
    is_public: Annotated[
        bool, Field(description="whether everybody may see the coordinates")
    ]
    latitude: Annotated[
        float | None,
        Field(description="degrees north, -90 to 90, WGS 84; null when unknown"),
    ]
    location_id: Annotated[
        str,
        Field(
            description="name of the location, unique in its project, 1 to 200 characters"
        ),
    ]
    longitude: Annotated[
        float | None,
        Field(description="degrees east, -180 to 180, WGS 84; null when unknown"),
    ]
    name: Annotated[
        str,
        Field(
            description="further name for people, at most 200 characters; may be empty"
        ),
    ]
    research_project_id: Annotated[str, Field(description="id of the research project")]
    time_zone: Annotated[
        str | None,
        Field(description="IANA name, such as Europe/Warsaw; null when unknown"),
    ]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]


class LogLevel(StrEnum):
    """
    What a log line is; an `error` names the row that failed, and the other rows go on.
    """

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Outcome1(StrEnum):
    """
    how it ended
    """

    SEEN = "seen"
    FAILED = "failed"


class ManagerConnection(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    credential: Annotated[
        SecretStr,
        Field(description="secret with which the caller identifies itself; shown once"),
    ]
    name: Annotated[
        str,
        Field(description="name of the connected Manager, unique, 1 to 100 characters"),
    ]
    notifications_url: Annotated[
        SecretStr | None,
        Field(
            description="address of the Redis or Valkey on which the Manager notifies; null for none"
        ),
    ] = None
    url: Annotated[
        str, Field(description="address, beginning with http:// or https://")
    ]


class State(StrEnum):
    """
    member at once, or invited until the person accepts
    """

    MEMBER = "member"
    INVITED = "invited"


class MethodKey(StrEnum):
    """
    The methods, by the names that people and scripts use.
    """

    CLASS_MASKING = "class_masking"
    RANK_ROLLUP = "rank_rollup"
    SMALL_SIZE_FILTER = "small_size_filter"


class ModelKind(StrEnum):
    """
    What a model does; `pose` is listed and refused, because nothing runs it.
    """

    DETECTION = "detection"
    CLASSIFICATION = "classification"
    EMBEDDING = "embedding"
    DEPTH = "depth"
    POSE = "pose"


class ModelName(ContractModel):
    """
    Which weights.
    """

    name: Annotated[str, Field(description="the model's name in the catalogue")]
    sha256: Annotated[
        str, Field(description="sha256 of the bytes, 64 lower-case hexadecimal digits")
    ]
    version: Annotated[
        str, Field(description="which release of it, at most 40 characters")
    ]


class ModelRef(ContractModel):
    """
    Which weights, exactly; `unpinned` when no operator ever confirmed the hash.

    A job asks for an unpinned entry without a hash, since nobody knows it; results always name the one that ran.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    name: Annotated[
        str,
        Field(
            description="the model's name in the catalogue, 1 to 64 letters, digits, hyphens and dots"
        ),
    ]
    sha256: Annotated[
        str | None,
        Field(description="sha256 of the bytes, 64 lower-case hexadecimal digits"),
    ]
    unpinned: Annotated[
        bool, Field(description="whether no operator confirmed the hash of the weights")
    ] = False
    version: Annotated[
        str, Field(description="which release of it, at most 40 characters")
    ]


class ModelSet(ContractModel):
    """
    The work of one queue that asks for the same models.
    """

    blocked: Annotated[
        Blocked | None,
        Field(
            description="why no worker takes it; null when one may, or has some of it"
        ),
    ]
    models: Annotated[list[str], Field(description="names, in the order of the stages")]
    oldest_waiting_seconds: Annotated[
        float | None,
        Field(
            description="seconds that the oldest batch has waited, from 0; null when none waits"
        ),
    ]
    resources: Annotated[int, Field(description="number of resources in them, from 0")]
    unpinned: Annotated[
        bool,
        Field(description="only for workers that allow weights which nobody confirmed"),
    ]
    unplanned: Annotated[
        int,
        Field(
            description="number of resources of open jobs that are not in batches yet, from 0"
        ),
    ]
    waiting: Annotated[int, Field(description="number of batches that wait, from 0")]


class NewClassificationMember(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    email: Annotated[str, Field(description="e-mail address")]
    role: Annotated[ClassificationRole, Field(description="role in the project")]


class NewClassificationProject(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    classification_threshold: Annotated[
        float | None,
        Field(
            description="species with a lower score, 0 to 1, are not named; null takes the model's typical one"
        ),
    ] = None
    detection_threshold: Annotated[
        float | None,
        Field(
            description="detections with a lower score, 0 to 1, are left out; null takes the model's typical one"
        ),
    ] = None
    embedding_ai_model: Annotated[
        str | None, Field(description="the provider of features; null for none")
    ] = None
    keep_logits: Annotated[
        KeepLogits,
        Field(
            description="Whether classifications keep their logits; auto keeps those of models with up to 5,000 labels."
        ),
    ] = KeepLogits.AUTO
    match_iou: Annotated[
        float,
        Field(
            description="overlap, 0 to 1, from which a box of a new run is the same object as one of before"
        ),
    ] = 0.5
    name: Annotated[
        str,
        Field(
            description="name for people, unique in the research project, 1 to 200 characters"
        ),
    ]
    nms_iou: Annotated[
        float,
        Field(
            description="overlap, 0 to 1, from which two boxes of one picture are one object"
        ),
    ] = 0.45
    object_detection_ai_model: Annotated[
        str | None,
        Field(
            description="the detection provider; null while none is chosen, and no job is made"
        ),
    ] = None
    required_ai_classification: Annotated[
        bool,
        Field(description="whether people can approve only what the AI has looked at"),
    ] = False
    research_project_id: Annotated[str, Field(description="id of the research project")]
    sequence_interval_seconds: Annotated[
        int,
        Field(
            description="captures of one deployment that are at most so many seconds apart are one sequence, 1 to 31,536,000; null takes the project's"
        ),
    ] = 300
    species_ai_model: Annotated[
        str | None, Field(description="the species provider; null for none")
    ] = None
    taxa_list: Annotated[
        str | None,
        Field(
            description="taxa list with which the results of each job are masked; null masks none"
        ),
    ] = None


class NewDeployment(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    bait_use: Annotated[
        bool | None, Field(description="whether bait was used; null when nobody knows")
    ] = None
    camera_delay_seconds: Annotated[
        float | None, Field(description="seconds between two triggers, from 0")
    ] = None
    camera_heading_degrees: Annotated[
        float | None,
        Field(
            description="direction of the camera in degrees clockwise from north, 0 to 360"
        ),
    ] = None
    camera_height_metres: Annotated[
        float | None, Field(description="height above the ground in metres, from 0")
    ] = None
    camera_id: Annotated[
        str | None,
        Field(
            description="the camera's own name or serial number, at most 200 characters"
        ),
    ] = None
    camera_model: Annotated[
        str | None, Field(description="maker and model, at most 200 characters")
    ] = None
    camera_tilt_degrees: Annotated[
        float | None,
        Field(
            description="tilt of the camera in degrees: -90 looks down, 0 is level, 90 looks up"
        ),
    ] = None
    comments: Annotated[
        str, Field(description="free text, at most 10,000 characters")
    ] = ""
    deployment_id: Annotated[
        str,
        Field(
            description="name of the deployment, unique in its project, 1 to 200 characters"
        ),
    ]
    detection_distance_metres: Annotated[
        float | None,
        Field(
            description="greatest distance in metres, from 0, at which the camera triggers"
        ),
    ] = None
    end_at: Annotated[
        datetime | None,
        Field(description="end of the deployment, after its start; null when unknown"),
    ] = None
    feature_type: Annotated[
        str | None,
        Field(
            description="what the camera looks at, such as a trail; at most 200 characters"
        ),
    ] = None
    habitat: Annotated[
        str | None,
        Field(description="what grows or lies around, at most 200 characters"),
    ] = None
    location_id: Annotated[str | None, Field(description="id of the location")] = None
    research_project_id: Annotated[str, Field(description="id of the research project")]
    set_up_by: Annotated[
        str | None, Field(description="who set the camera up, at most 200 characters")
    ] = None
    start_at: Annotated[
        datetime | None, Field(description="begin of the deployment; null when unknown")
    ] = None
    tags: Annotated[list[str], Field(description="short words to find it by")] = []
    timestamp_issues: Annotated[
        bool, Field(description="whether the camera's clock is known to be wrong")
    ] = False


class NewIdentifications(ContractModel):
    """
    Identifications of different occurrences.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    items: Annotated[
        list[IdentificationItem],
        Field(description="the rows, in the order that the list promises"),
    ]


class NewLinkedCollection(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    collection_id: Annotated[str, Field(description="id of the collection")]
    sequence_interval_seconds: Annotated[
        int | None,
        Field(
            description="captures of one deployment that are at most so many seconds apart are one sequence, 1 to 31,536,000; null takes the project's"
        ),
    ] = None


class NewLocation(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    coordinate_uncertainty_metres: Annotated[
        float | None,
        Field(
            description="radius in metres, greater than 0, in which the true place lies; null when unknown"
        ),
    ] = None
    habitat: Annotated[
        str | None,
        Field(description="what grows or lies around, at most 200 characters"),
    ] = None
    ignore_dst: Annotated[
        bool,
        Field(description="whether the camera clocks are not changed to summer time"),
    ] = False
    is_public: Annotated[
        bool, Field(description="whether everybody may see the coordinates")
    ] = False
    latitude: Annotated[
        float | None,
        Field(description="degrees north, -90 to 90, WGS 84; null when unknown"),
    ] = None
    location_id: Annotated[
        str,
        Field(
            description="name of the location, unique in its project, 1 to 200 characters"
        ),
    ]
    longitude: Annotated[
        float | None,
        Field(description="degrees east, -180 to 180, WGS 84; null when unknown"),
    ] = None
    name: Annotated[
        str,
        Field(
            description="further name for people, at most 200 characters; may be empty"
        ),
    ] = ""
    research_project_id: Annotated[str, Field(description="id of the research project")]
    time_zone: Annotated[
        str | None,
        Field(description="IANA name, such as Europe/Warsaw; null when unknown"),
    ] = None


class NewMatching(ContractModel):
    """
    In which project observations follow; labels are matched for all.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    classification_project_id: Annotated[
        str, Field(description="a project that the caller leads")
    ]
    dry_run: Annotated[bool, Field(description="only count")] = False


class NewPasswordReply(ContractModel):
    """
    The only time that the password is shown.
    """

    password: Annotated[str, Field(description="the new password; shown once")]
    user_id: Annotated[str, Field(description="id of the person")]


class NewTaxaList(ContractModel):
    """
    An empty list; its taxa are added afterwards.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    classification_project_id: Annotated[
        str | None,
        Field(
            description="project that it belongs to; null makes a global one, which needs a site admin"
        ),
    ] = None
    name: Annotated[str, Field(description="what people call it")]


class NewTaxaListRow(ContractModel):
    """
    A row of a table of names: a scientific name, or a key in a checklist.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    checklist: Annotated[str | None, Field(description="such as gbif or col")] = None
    key: Annotated[
        str | None, Field(description="the taxon's key in the checklist")
    ] = None
    scientific_name: Annotated[
        str | None,
        Field(
            description="Latin name of the taxon, with author and year where the source gives them, at most 200 characters"
        ),
    ] = None


class NewToken(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    expires_in_days: Annotated[
        int, Field(description="days until it ends, 1 to 366")
    ] = 90
    name: Annotated[
        str, Field(description="what the token is for, 1 to 100 characters")
    ]
    scopes: Annotated[
        list[str],
        Field(
            description="what the token may do, at most 20 scopes; `*` is everything that its owner may"
        ),
    ] = ["*"]


class NewTokenReply(ContractModel):
    """
    The only time that the token itself is shown.
    """

    created_at: Annotated[datetime, Field(description="when it was made")]
    expires_at: Annotated[datetime, Field(description="when it ends")]
    id: Annotated[str, Field(description="id of the row")]
    name: Annotated[str, Field(description="what the token is for")]
    scopes: Annotated[
        list[str],
        Field(
            description="what the token may do; `*` is everything that its owner may; null for a browser's session"
        ),
    ]
    token: Annotated[str, Field(description="secret that proves the right")]
    used_at: Annotated[
        datetime | None,
        Field(description="when it was last used, to the minute; null before"),
    ]


class NewUploads(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    collection_id: Annotated[str, Field(description="id of the collection")]
    items: Annotated[
        list[AnnouncedFile],
        Field(description="the rows, in the order that the list promises"),
    ]
    research_project_id: Annotated[str, Field(description="id of the research project")]


class ObjectType(StrEnum):
    """
    What an object is, before any species is named.
    """

    ANIMAL = "animal"
    HUMAN = "human"
    VEHICLE = "vehicle"


class ObservationLevel(StrEnum):
    """
    An object with a box, a group that is counted without boxes, or a statement about the whole resource.
    """

    OBJECT = "object"
    GROUP = "group"
    RESOURCE = "resource"


class ObservationType(StrEnum):
    """
    What was seen; `blank` and `unclassified` are about the whole resource and have no box.
    """

    ANIMAL = "animal"
    HUMAN = "human"
    VEHICLE = "vehicle"
    BLANK = "blank"
    UNKNOWN = "unknown"
    UNCLASSIFIED = "unclassified"


class OffsetSource(StrEnum):
    """
    Written beside the time in the file, taken from the location's time zone, or unknown.
    """

    FILE = "file"
    PLACE = "place"
    NONE = "none"


class OperationLineReply(ContractModel):
    """
    A line of the log; an `error` names in `item` the row that failed, the others went on.
    """

    at: Annotated[datetime, Field(description="when it was done")]
    code: Annotated[
        str | None, Field(description="stable code of the reason, for programs")
    ]
    item: Annotated[
        str | None, Field(description="the row that the line is about; null for none")
    ]
    level: Annotated[
        LogLevel, Field(description="info, warning, or error for a row that failed")
    ]
    message: Annotated[str, Field(description="one sentence for people")]
    number: Annotated[
        int, Field(description="from 1; the log keeps the newest 10,000 lines")
    ]


class OperationState(StrEnum):
    """
    How far an operation is; `waiting` is also the pause before another attempt.
    """

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """
    How one resource of a job ended; `pending` is not an end.
    """

    PENDING = "pending"
    DONE = "done"
    BLANK = "blank"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Overrides(ContractModel):
    """
    Settings of one job that differ from its project's, under the project's names; what is not given stays.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    allow_unpinned: Annotated[
        bool, Field(description="Allow models whose weights no operator has confirmed.")
    ] = False
    classification_threshold: Annotated[
        float | None, Field(description="Null takes the species model's typical one.")
    ] = None
    detection_threshold: Annotated[
        float | None, Field(description="Null takes the detector's typical one.")
    ] = None
    embedding_ai_model: Annotated[
        str | None,
        Field(
            description="Id of a provider of features; null leaves the embedding stage out."
        ),
    ] = None
    keep_logits: Annotated[
        KeepLogits | None,
        Field(
            description="Whether classifications keep their logits; null takes the project's."
        ),
    ] = None
    match_iou: Annotated[
        float | None, Field(description="Null takes the project's.")
    ] = None
    nms_iou: Annotated[float | None, Field(description="Null takes the project's.")] = (
        None
    )
    object_detection_ai_model: Annotated[
        str | None,
        Field(
            description="Id of a detection provider; it may be another one than the project's."
        ),
    ] = None
    species_ai_model: Annotated[
        str | None,
        Field(
            description="Id of a classification provider; null leaves the species stage out."
        ),
    ] = None
    top_k: Annotated[
        int, Field(description="How many labels a classification keeps.")
    ] = 5


class PairReply(ContractModel):
    """
    How often one label became another.
    """

    after: Annotated[str, Field(description="the later ones, in order of time")]
    before: Annotated[str, Field(description="the earlier ones, in order of time")]
    count: Annotated[int, Field(description="observations, from 1")]


class ParseOverrides(ContractModel):
    """
    Other thresholds for applying kept blobs again; the models' answers stay what they are.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    classification_threshold: Annotated[
        float | None,
        Field(
            description="species with a lower score, 0 to 1, are not named; null takes the model's typical one"
        ),
    ] = None
    detection_threshold: Annotated[
        float | None,
        Field(
            description="detections with a lower score, 0 to 1, are left out; null takes the model's typical one"
        ),
    ] = None


class PasswordChange(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    current_password: Annotated[SecretStr, Field(description="the password until now")]
    new_password: Annotated[
        SecretStr, Field(description="12 to 1,000 characters, none of the common ones")
    ]


class PrivacyState(StrEnum):
    """
    Whether the picture may be shown.
    """

    OPEN = "open"
    HELD = "held"
    CLEAR = "clear"
    BLURRED = "blurred"
    FAILED = "failed"


class ProblemBody(ContractModel):
    """
    A refusal: `type` is stable for ever and listed in docs/problems.md; extras name what is concerned.
    """

    model_config = ConfigDict(
        extra="allow",
    )
    detail: Annotated[
        str | None, Field(description="what is wrong in this case, and what to do")
    ] = None
    errors: Annotated[
        list[FieldError] | None, Field(description="every field that was not accepted")
    ] = None
    instance: Annotated[
        str | None,
        Field(description="id of the request; the operator finds it in the log"),
    ] = None
    status: Annotated[
        int, Field(description="the status code of the reply, 400 to 599")
    ]
    title: Annotated[str, Field(description="what kind of refusal it is, for people")]
    type: Annotated[
        str,
        Field(description="stable for ever, for programs; docs/problems.md lists all"),
    ]


class ProviderReply(ContractModel):
    algorithm_id: Annotated[
        str | None,
        Field(description="the model version or method that made the prediction"),
    ]
    availability: Annotated[
        Availability,
        Field(
            description="whether the weights can be downloaded, converted, or only be brought by hand"
        ),
    ]
    blocked: Annotated[
        Blocked | None,
        Field(description="why no enrolled worker can run it; null when one can"),
    ]
    connection_id: Annotated[
        str, Field(description="the Manager that offers or runs it")
    ]
    description: Annotated[str, Field(description="free text for people")]
    embedding_dimension: Annotated[
        int | None,
        Field(
            description="number of values of one embedding, from 1; null for other models"
        ),
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    is_unpinned: Annotated[
        bool, Field(description="whether no operator confirmed the weights yet")
    ]
    licence: Annotated[
        str,
        Field(
            description="licence of the model, as an SPDX identifier where there is one"
        ),
    ]
    name: Annotated[str, Field(description="the model's name in the catalogue")]
    nms_iou: Annotated[
        float | None,
        Field(
            description="overlap, 0 to 1, from which two boxes of one picture are one object"
        ),
    ]
    provider_type: Annotated[ModelKind, Field(description="what the model does")]
    sha256: Annotated[
        str | None,
        Field(description="sha256 of the bytes, 64 lower-case hexadecimal digits"),
    ]
    threshold_conservative: Annotated[
        float | None,
        Field(
            description="score, 0 to 1, from which hardly anything is wrong; null when nobody said"
        ),
    ]
    threshold_typical: Annotated[
        float | None,
        Field(
            description="score, 0 to 1, that the model's authors recommend; null when nobody said"
        ),
    ]
    version: Annotated[
        str, Field(description="which release of it, at most 40 characters")
    ]


class ProviderStage(ContractModel):
    """
    A stage of the wire with what the Expert reads its results by: provider, algorithm and labels.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    algorithm_id: Annotated[
        str, Field(description="the model version or method that made the prediction")
    ]
    category_map_id: Annotated[
        str | None,
        Field(
            description="which meaning of the labels was used; null for a model without labels"
        ),
    ]
    features: Annotated[
        int | None, Field(description="Number of features, from 1, where it is known.")
    ] = None
    floor: Annotated[
        float, Field(description="detections below are not even kept in the blob")
    ] = 0.01
    kind: Annotated[
        ModelKind,
        Field(
            description="what the model computes: detections, classes, features, depth or poses"
        ),
    ]
    labels: Annotated[int, Field(description="Number of labels of the model, from 0.")]
    logits: Annotated[
        bool, Field(description="whether the raw outputs of classifications are kept")
    ] = False
    model: Annotated[
        ModelRef, Field(description="the catalogue entry: its name, version and sha256")
    ]
    nms_iou: Annotated[
        float | None,
        Field(
            description="overlap, 0 to 1, from which two boxes of one picture are one object"
        ),
    ] = None
    provider_id: Annotated[
        str,
        Field(description="id of the provider: a model version that a Manager offers"),
    ]
    threshold: Annotated[
        float | None, Field(description="null takes the model's typical one")
    ] = None
    top_k: Annotated[
        int, Field(description="how many labels a classification keeps, 1 to 100")
    ] = 5


class Queue(ContractModel):
    """
    The batches that the same runtimes can run.
    """

    leased: Annotated[
        int, Field(description="number of batches that workers have, from 0")
    ]
    model_sets: Annotated[
        list[ModelSet], Field(description="the work by the models that it needs")
    ]
    oldest_waiting_seconds: Annotated[
        float | None,
        Field(
            description="seconds that the oldest batch has waited, from 0; null when none waits"
        ),
    ]
    resources: Annotated[
        int,
        Field(
            description="number of resources in batches that wait or are leased, from 0"
        ),
    ]
    runtimes: Annotated[list[str], Field(description="what can run these batches")]
    unplanned: Annotated[
        int,
        Field(
            description="number of resources of open jobs that are not in batches yet, from 0"
        ),
    ]
    waiting: Annotated[
        int, Field(description="number of batches that no worker has yet, from 0")
    ]
    workers: Annotated[int, Field(description="number of workers, from 0")]


class RankedLabel(ContractModel):
    """
    One of the best labels of a prediction.
    """

    label: Annotated[str, Field(description="label as the model has it")]
    score: Annotated[float, Field(description="how sure the model was, 0 to 1")]
    taxon_id: Annotated[
        str | None, Field(description="the taxon that the label names; null for none")
    ]


class RecomputedOccurrences(ContractModel):
    """
    Occurrences whose determination is computed again.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    occurrence_ids: Annotated[list[str], Field(description="ids of the occurrences")]


class RecomputedResult(ContractModel):
    """
    Whether the determination was another one, or why it was not computed.
    """

    changed: Annotated[
        bool, Field(description="whether the stored determination was another one")
    ]
    occurrence_id: Annotated[
        str,
        Field(
            description="id of the occurrence: one animal, over all pictures that show it"
        ),
    ]
    problem: Annotated[
        ProblemBody | None,
        Field(description="what went wrong, in one sentence; null when nothing did"),
    ]


class RecomputedResults(ContractModel):
    """
    What became of each, in the order of the request.
    """

    items: Annotated[
        list[RecomputedResult],
        Field(description="the rows, in the order that the list promises"),
    ]


class Registration(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    email: Annotated[str, Field(description="e-mail address, with which one signs in")]
    name: Annotated[
        str, Field(description="full name, at most 200 characters; may be empty")
    ] = ""
    password: Annotated[
        SecretStr, Field(description="12 to 1,000 characters, none of the common ones")
    ]


class RegistrationReply(ContractModel):
    """
    The same whether the account is new or was there before.
    """

    message: Annotated[str, Field(description="one sentence for people")]


class ReparseReply(ContractModel):
    """
    The job, whose results are applied again.
    """

    id: Annotated[str, Field(description="id of the row")]
    stage: Annotated[JobStage, Field(description="how far the job is")]


class ReplayedTasks(ContractModel):
    """
    How many dead letters are in the queue again.
    """

    replayed: Annotated[int, Field(description="number of messages, from 0 to 200")]


class ReportReply(ContractModel):
    """
    What a run changed, or would change.
    """

    counters: Annotated[
        dict[str, int],
        Field(
            description="observations by what became of them, and changed determinations of occurrences"
        ),
    ]
    examples: Annotated[list[ExampleReply], Field(description="the first ones")]
    facts: Annotated[
        dict[str, object],
        Field(
            description="what follows from the settings, as the number of kept labels"
        ),
    ]
    pairs: Annotated[list[PairReply], Field(description="the most frequent first")]


class ResearchProjectStatus(StrEnum):
    """
    Requested, then active or rejected by a site admin.
    """

    REQUESTED = "requested"
    ACTIVE = "active"
    REJECTED = "rejected"


class ResearchRole(StrEnum):
    """
    A role in a research project.
    """

    OWNER = "owner"
    MANAGER = "manager"
    MEMBER = "member"


class ResourceKind(StrEnum):
    """
    The kind of medium; unknown before the bytes are decoded.
    """

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    UNKNOWN = "unknown"


class ResourcePlaceReply(ContractModel):
    """
    A path under which the bytes were uploaded, and the deployment for which.
    """

    collection_id: Annotated[str, Field(description="id of the collection")]
    deployment_id: Annotated[str | None, Field(description="id of the deployment")]
    file_name: Annotated[
        str,
        Field(description="name of the file as it was uploaded, without its folder"),
    ]
    path: Annotated[
        str, Field(description="path relative to the folder that it is below")
    ]


class ResourcePlaces(ContractModel):
    """
    Places in the order of upload.
    """

    items: Annotated[
        list[ResourcePlaceReply],
        Field(description="the rows, in the order that the list promises"),
    ]


class ResourceState(StrEnum):
    """
    `stored`, then `described` or `unreadable`.
    """

    STORED = "stored"
    DESCRIBED = "described"
    UNREADABLE = "unreadable"


class RunScope(ContractModel):
    """
    Exactly one of the fields; resources are named with their linked collection.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    classification_project_id: Annotated[
        str | None, Field(description="every photo of the project")
    ] = None
    job_id: Annotated[
        str | None, Field(description="the photos whose results an AI job brought")
    ] = None
    linked_collection_id: Annotated[
        str | None, Field(description="id of the link of a collection to a project")
    ] = None
    occurrence_id: Annotated[
        str | None,
        Field(
            description="id of the occurrence: one animal, over all pictures that show it"
        ),
    ] = None
    resource_ids: Annotated[
        list[str] | None, Field(description="together with linked_collection_id")
    ] = None
    sequence_ids: Annotated[
        list[str] | None, Field(description="sequences of one project")
    ] = None


class Runtime(ContractModel):
    """
    What one runtime could do next; `seconds_of_work` is the autoscaling signal.
    """

    oldest_waiting_seconds: Annotated[
        float | None,
        Field(
            description="seconds that the oldest batch has waited, from 0; null when none waits"
        ),
    ]
    resources: Annotated[
        int,
        Field(
            description="number of waiting resources that it could run, planned or not, from 0"
        ),
    ]
    runtime: Annotated[
        str, Field(description="what runs the models, such as `onnx-cpu`")
    ]
    seconds_of_work: Annotated[
        float | None,
        Field(
            description="for one worker at the measured speed; null while a model has no measured speed"
        ),
    ]
    waiting: Annotated[
        int, Field(description="number of batches that no worker has yet, from 0")
    ]
    workers: Annotated[
        int,
        Field(
            description="number of workers that live and are neither paused nor leaving, from 0"
        ),
    ]


class SamplingDesign(StrEnum):
    """
    In the words of Camtrap DP.
    """

    SIMPLE_RANDOM = "simpleRandom"
    SYSTEMATIC_RANDOM = "systematicRandom"
    CLUSTERED_RANDOM = "clusteredRandom"
    EXPERIMENTAL = "experimental"
    TARGETED = "targeted"
    OPPORTUNISTIC = "opportunistic"


class ScopeKind(StrEnum):
    """
    What a run looks at.
    """

    CLASSIFICATION_PROJECT_ID = "classification_project_id"
    LINKED_COLLECTION_ID = "linked_collection_id"
    SEQUENCE_IDS = "sequence_ids"
    OCCURRENCE_ID = "occurrence_id"
    RESOURCE_IDS = "resource_ids"
    JOB_ID = "job_id"


class SequenceCounts(ContractModel):
    """
    The sequences of a linked collection as they are now.
    """

    is_built: Annotated[
        bool,
        Field(
            description="false until they are built, and while they are built with another interval"
        ),
    ]
    pending: Annotated[
        int,
        Field(
            description="resources that have changed and are not chained yet, from 0"
        ),
    ]
    resources: Annotated[
        int,
        Field(
            description="resources in a sequence, from 0; those without time or deployment are in none"
        ),
    ]
    sequences: Annotated[int, Field(description="from 0")]


class SequenceMemberReply(ContractModel):
    """
    A resource in its sequence.
    """

    captured_at: Annotated[
        datetime,
        Field(
            description="the moment of the capture in UTC; null when it is not known"
        ),
    ]
    resource_id: Annotated[str, Field(description="id of the resource")]
    sequence_id: Annotated[str, Field(description="id of the sequence")]


class SequenceMerge(ContractModel):
    """
    Sequences of one deployment; what lies between them becomes part of the merged one.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    sequence_ids: Annotated[
        list[str], Field(description="ids of 2 to 100 sequences of one deployment")
    ]


class SequenceRebuild(ContractModel):
    """
    Build the sequences of a linked collection anew, with another interval when one is given.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    linked_collection_id: Annotated[
        str, Field(description="id of the link of a collection to a project")
    ]
    sequence_interval_seconds: Annotated[
        int | None,
        Field(
            description="captures of one deployment that are at most so many seconds apart are one sequence, 1 to 31,536,000; null takes the project's"
        ),
    ] = None


class SequenceReply(ContractModel):
    """
    Resources of one deployment whose gaps are at most the interval; its id is the eventID of Camtrap DP.
    """

    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    deployment_id: Annotated[str, Field(description="id of the deployment")]
    external_id: Annotated[
        str | None, Field(description="of the system that it was imported from")
    ]
    first_at: Annotated[
        datetime, Field(description="time of its first capture, in UTC")
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_time_lapse: Annotated[
        bool,
        Field(
            description="time-lapse resources are chained apart from those of activity"
        ),
    ]
    last_at: Annotated[datetime, Field(description="time of its last capture, in UTC")]
    linked_collection_id: Annotated[
        str, Field(description="id of the link of a collection to a project")
    ]
    resource_count: Annotated[int, Field(description="from 1")]


class SequenceSplit(ContractModel):
    """
    Where the later part begins.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    resource_id: Annotated[str, Field(description="id of the resource")]


class SessionItem(ContractModel):
    """
    One of the caller's sessions; never with its secret.
    """

    created_at: Annotated[datetime, Field(description="when it was made")]
    expires_at: Annotated[datetime, Field(description="when it ends")]
    id: Annotated[str, Field(description="id of the row")]
    is_current: Annotated[
        bool, Field(description="false when a newer AI run superseded it")
    ]
    used_at: Annotated[
        datetime, Field(description="when it was last used, to the minute; null before")
    ]


class SessionItemPage(ContractModel):
    items: Annotated[
        list[SessionItem],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"


class SignIn(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    email: Annotated[str, Field(description="e-mail address")]
    password: Annotated[
        SecretStr,
        Field(
            description="the secret with which the person signs in, at most 1,000 characters"
        ),
    ]


class SignInByLink(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    token: Annotated[
        SecretStr, Field(description="the part of the link after `#link=`")
    ]


class SplitParts(ContractModel):
    """
    Both parts, the earlier one first, which keeps its id.
    """

    items: Annotated[
        list[SequenceReply],
        Field(description="the rows, in the order that the list promises"),
    ]


class StageAfterIngest(StrEnum):
    """
    What follows once all results of a job are applied; each can be run again alone.
    """

    SEQUENCES = "sequences"
    POST_PROCESSING = "post_processing"


class StageRunReply(ContractModel):
    """
    One run of a stage after ingest; it is an operation, whose log and counters have its address.
    """

    attempt: Annotated[int, Field(description="how many times it was started, from 0")]
    done: Annotated[
        int, Field(description="number of resources that it is done with, from 0")
    ]
    ended_at: Annotated[
        datetime | None, Field(description="when its operation ended; null before")
    ]
    error: Annotated[str | None, Field(description="why it failed")]
    operation_id: Annotated[str, Field(description="id of the operation")]
    started_at: Annotated[
        datetime | None, Field(description="when it was first started; null before")
    ]
    state: Annotated[
        OperationState, Field(description="`waiting` also between two attempts")
    ]
    total: Annotated[int, Field(description="number of resources of the job, from 1")]


class StartedBackfill(ContractModel):
    """
    The operation that stores features of kept results as embeddings.
    """

    operation_id: Annotated[str, Field(description="id of the operation")]


class StartedRebuild(ContractModel):
    """
    The operation that builds the sequences.
    """

    operation_id: Annotated[str, Field(description="id of the operation")]


class StartedRun(ContractModel):
    """
    The operation that does the work.
    """

    operation_id: Annotated[str, Field(description="id of the operation")]


class StepKind(StrEnum):
    """
    A step of an object's provenance: a prediction, or an observation of a row of this type.
    """

    PREDICTION = "prediction"
    AI = "ai"
    USER = "user"
    FEEDBACK = "feedback"


class TaskQueueReply(ContractModel):
    """
    The messages to this service's task process.
    """

    dead: Annotated[int, Field(description="number of dead letters, from 0")]
    dead_tasks: Annotated[
        list[DeadTaskReply],
        Field(description="dead letters, latest first, at most 200"),
    ]
    delayed: Annotated[
        int,
        Field(description="number of messages that wait for their next try, from 0"),
    ]
    waiting: Annotated[
        int, Field(description="number of messages that are due, from 0")
    ]


class TaxaListChange(ContractModel):
    """
    Only what is given changes.
    """

    name: Annotated[str | None, Field(description="what people call it")] = None


class TaxaListReply(ContractModel):
    classification_project_id: Annotated[
        str | None, Field(description="null for a global list")
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    fingerprint: Annotated[
        str,
        Field(
            description="sha256 of the taxa: lists with equal content have equal fingerprints"
        ),
    ]
    id: Annotated[str, Field(description="id of the row")]
    name: Annotated[str, Field(description="what people call it")]
    taxon_count: Annotated[int, Field(description="number of its taxa, from 0")]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]


class TaxaListRowReply(ContractModel):
    """
    What a row came to.
    """

    fate: Annotated[
        Fate,
        Field(
            description="`matched`, `synonym` of the taxon, `unknown`, or `ambiguous` between several"
        ),
    ]
    row: Annotated[int, Field(description="position among the given rows, from 0")]
    scientific_name: Annotated[
        str | None, Field(description="that of the accepted taxon")
    ]
    taxon_id: Annotated[
        str | None,
        Field(
            description="the accepted taxon; null for a row that means none or several"
        ),
    ]


class TaxonKeyReply(ContractModel):
    checklist: Annotated[
        str, Field(description="the checklist whose key it is, such as `gbif`")
    ]
    key: Annotated[str, Field(description="key of the taxon in the checklist")]


class TaxonRank(StrEnum):
    """
    The ranks that a taxon can have.
    """

    KINGDOM = "kingdom"
    PHYLUM = "phylum"
    CLASS = "class"
    ORDER = "order"
    FAMILY = "family"
    SUBFAMILY = "subfamily"
    TRIBE = "tribe"
    GENUS = "genus"
    SPECIES = "species"
    SUBSPECIES = "subspecies"
    OTHER = "other"


class TaxonReply(ContractModel):
    accepted_id: Annotated[
        str | None,
        Field(
            description="the accepted taxon that it is a synonym of; null for an accepted taxon"
        ),
    ]
    canonical_name: Annotated[
        str, Field(description="scientific name without author and year")
    ]
    id: Annotated[str, Field(description="id of the row")]
    keys: Annotated[
        list[TaxonKeyReply], Field(description="keys of the taxon in checklists")
    ]
    parent_id: Annotated[
        str | None, Field(description="the taxon above; null at the top")
    ]
    provisional: Annotated[
        bool, Field(description="added by a person or a model, and in no checklist yet")
    ]
    rank: Annotated[
        TaxonRank | None,
        Field(
            description="rank of the taxon; `other` for a rank that is not in the list, null when unknown"
        ),
    ]
    scientific_name: Annotated[
        str,
        Field(
            description="Latin name of the taxon, with author and year where the source gives them, at most 200 characters"
        ),
    ]
    vernacular_names: Annotated[dict[str, str], Field(description="by language code")]


class TerminalPrediction(ContractModel):
    """
    The prediction that counts for the object.
    """

    algorithm: Annotated[AlgorithmSummary, Field(description="which predicted it")]
    applied_to: Annotated[
        AppliedTo | None,
        Field(
            description="what it was derived from; null for what a model said itself"
        ),
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    id: Annotated[str, Field(description="id of the row")]
    label: Annotated[str, Field(description="label as the model has it")]
    rule: Annotated[
        str | None,
        Field(
            description="the rule of a post-processing method that chose the label; null for a model"
        ),
    ]
    score: Annotated[float, Field(description="from 0 to 1")]
    taxon_id: Annotated[str | None, Field(description="id of the taxon")]


class TimeIssue(StrEnum):
    """
    Why `captured_at` is absent or may be wrong by an hour.

    `ambiguous`: the hour came twice at the end of summer time, and the order of the files does not say which one it is;
    `nonexistent`: the hour was skipped at the start of summer time; `out_of_range`: the file says a time before 1900 or
    after 2199.
    """

    AMBIGUOUS = "ambiguous"
    NONEXISTENT = "nonexistent"
    OUT_OF_RANGE = "out_of_range"


class TimeSource(StrEnum):
    """
    Where the wall-clock time was read; `none` means that the file has none.

    In the order in which they are looked at: DateTimeOriginal, DateTimeDigitized, the maker's block (Reconyx), XMP,
    DateTime, the file's name.
    """

    EXIF = "exif"
    EXIF_DIGITIZED = "exif_digitized"
    MAKER_NOTE = "maker_note"
    XMP = "xmp"
    EXIF_MODIFIED = "exif_modified"
    FILENAME = "filename"
    TABLE = "table"
    MTIME = "mtime"
    NONE = "none"


class TokenReply(ContractModel):
    created_at: Annotated[datetime, Field(description="when it was made")]
    expires_at: Annotated[datetime, Field(description="when it ends")]
    id: Annotated[str, Field(description="id of the row")]
    name: Annotated[str, Field(description="what the token is for")]
    scopes: Annotated[
        list[str],
        Field(
            description="what the token may do; `*` is everything that its owner may; null for a browser's session"
        ),
    ]
    used_at: Annotated[
        datetime | None,
        Field(description="when it was last used, to the minute; null before"),
    ]


class UndoRequest(ContractModel):
    """
    Whether later runs on the same observations are undone, too.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    cascade: Annotated[
        bool, Field(description="undo later runs on the same observations first")
    ] = False


class UnresolvedLabel(ContractModel):
    label: Annotated[str, Field(description="label as the model has it")]
    model: Annotated[str, Field(description="name of the model that has the label")]


class UnresolvedReason(StrEnum):
    """
    `matches_now`: a matching of labels gives it its taxon; `vernacular`: only a vernacular name is equal.
    """

    MATCHES_NOW = "matches_now"
    VERNACULAR = "vernacular"
    UNKNOWN = "unknown"


class Status(StrEnum):
    """
    upload: send the bytes; exists: they are stored already
    """

    UPLOAD = "upload"
    EXISTS = "exists"


class UploadReply(ContractModel):
    """
    `exists`: these bytes are there already, and now also under this path; `upload`: send them.

    Of bytes that are there, `resource_path` and `resource_deployment_id` say where they were uploaded first. When that
    is another deployment than the one announced, the photo lies at two places and counts at the first; change the
    resource's `deployment_id` to move it.
    """

    resource_deployment_id: Annotated[
        str | None,
        Field(description="deployment of the resource; null when it has none"),
    ]
    resource_id: Annotated[str | None, Field(description="id of the resource")]
    resource_path: Annotated[
        str | None,
        Field(
            description="where the same bytes were uploaded first; null when they are new"
        ),
    ]
    sha256: Annotated[
        str, Field(description="sha256 of the bytes, 64 lower-case hexadecimal digits")
    ]
    status: Annotated[
        Status,
        Field(description="upload: send the bytes; exists: they are stored already"),
    ]
    upload_id: Annotated[str | None, Field(description="id of the upload")]


class UploadedResource(ContractModel):
    resource_id: Annotated[str, Field(description="id of the resource")]


class UserReply(ContractModel):
    created_at: Annotated[datetime, Field(description="when it was made")]
    email: Annotated[str, Field(description="e-mail address")]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    is_site_admin: Annotated[
        bool, Field(description="whether the person administers the whole site")
    ]
    name: Annotated[str, Field(description="full name; empty when none was given")]


class Visibility(StrEnum):
    """
    Who may see the resource besides the members.
    """

    PRIVATE = "private"
    ON_DEMAND = "on_demand"
    PUBLIC = "public"


class WithdrawalResult(ContractModel):
    """
    An identification that was withdrawn, or why it was not.
    """

    identification_id: Annotated[str, Field(description="id of the identification")]
    problem: Annotated[
        ProblemBody | None,
        Field(description="what went wrong, in one sentence; null when nothing did"),
    ]


class WithdrawalResults(ContractModel):
    """
    What became of each, in the order of the request.
    """

    items: Annotated[
        list[WithdrawalResult],
        Field(description="the rows, in the order that the list promises"),
    ]


class WithdrawnIdentifications(ContractModel):
    """
    Own identifications to withdraw; those that they replaced stand again.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    identification_ids: Annotated[
        list[str], Field(description="ids of the caller's own identifications")
    ]


class WorkerOrder(StrEnum):
    """
    Take nothing new, go on, or finish what is held and leave.
    """

    PAUSE = "pause"
    RESUME = "resume"
    DRAIN = "drain"


class WorkerState(StrEnum):
    """
    Seen recently (and told to pause or to leave, or neither), not seen recently, or sent away.
    """

    ALIVE = "alive"
    PAUSED = "paused"
    DRAINING = "draining"
    SILENT = "silent"
    REVOKED = "revoked"


class AddedTaxaReply(ContractModel):
    """
    What was added, or would be on a dry run.
    """

    added: Annotated[
        int,
        Field(
            description="number of taxa that were not in the list before, from 0; 0 on a dry run"
        ),
    ]
    found: Annotated[
        int, Field(description="number of different taxa that were found, from 0")
    ]
    items: Annotated[
        list[TaxaListRowReply],
        Field(description="one per given row; empty for other sources"),
    ]


class AlgorithmReply(ContractModel):
    """
    A model version, or a post-processing method with its parameters.
    """

    created_at: Annotated[datetime, Field(description="when it was made")]
    derived_from: Annotated[
        AlgorithmSummary | None,
        Field(description="the one whose predictions it starts from; null for a model"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    key: Annotated[
        str, Field(description="unique, of the kind, name, version and weights")
    ]
    kind: Annotated[
        AlgorithmKind,
        Field(
            description="what the model computes: detections, classes, features, depth or poses"
        ),
    ]
    label_count: Annotated[int, Field(description="number of labels, from 0")]
    name: Annotated[str, Field(description="what people call it")]
    parameters: Annotated[
        dict[str, object],
        Field(
            description="what makes it different from the algorithm that it is derived from"
        ),
    ]
    sha256: Annotated[
        str | None,
        Field(
            description="of the weights; null for algorithms that compute from predictions"
        ),
    ]
    version: Annotated[
        str, Field(description="which release of it, at most 40 characters")
    ]


class AuditEntryPage(ContractModel):
    items: Annotated[
        list[AuditEntryReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class CapabilitiesReply(ContractModel):
    """
    What the caller's role and token allow on one project.
    """

    items: Annotated[list[Capability], Field(description="what the caller may do")]


class ChangedResource(ContractModel):
    """
    A resource after a change, and how many rows changed because of it, itself included.
    """

    capture_method: Annotated[
        CaptureMethod | None,
        Field(description="null when it is not known: taken as activityDetection"),
    ]
    captured_at: Annotated[
        datetime | None,
        Field(
            description="the moment of the capture in UTC; null when it is not known"
        ),
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    deployment_id: Annotated[str | None, Field(description="id of the deployment")]
    exif: Annotated[
        dict[str, object] | None, Field(description="the metadata of the file, by tag")
    ]
    external_id: Annotated[
        str | None, Field(description="of the system that it was imported from")
    ]
    failure_code: Annotated[
        FailureCode | None,
        Field(
            description="why the file cannot be read, for programs; null when it can"
        ),
    ]
    failure_message: Annotated[
        str | None,
        Field(
            description="why the file cannot be read, in one sentence; null when it can"
        ),
    ]
    file_name: Annotated[
        str,
        Field(description="name of the file as it was uploaded, without its folder"),
    ]
    file_path: Annotated[
        str,
        Field(description="path of the first upload, relative to the uploaded folder"),
    ]
    height: Annotated[
        int | None, Field(description="height of the upright picture in pixels, from 1")
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    is_damaged: Annotated[
        bool, Field(description="whether part of the picture is lost")
    ]
    kind: Annotated[
        ResourceKind,
        Field(
            description="image, video, audio, or unknown before the bytes are decoded"
        ),
    ]
    media_type: Annotated[
        str, Field(description="media type of the file, such as image/jpeg")
    ]
    observations_changed: Annotated[
        int,
        Field(description="number of observations that changed because of it, from 0"),
    ]
    offset_source: Annotated[
        OffsetSource, Field(description="where the offset from UTC comes from")
    ]
    outside_deployment: Annotated[
        bool, Field(description="captured outside of the deployment's period")
    ]
    privacy_state: Annotated[
        PrivacyState, Field(description="whether the picture was checked for people")
    ]
    recorded_at: Annotated[
        datetime | None,
        Field(
            description="the camera's wall clock, without an offset; null when the file says none"
        ),
    ]
    recorded_offset_seconds: Annotated[
        int | None,
        Field(
            description="offset from UTC in seconds that the file says, -86,400 to 86,400; null when it says none"
        ),
    ]
    remote_url: Annotated[
        str | None,
        Field(
            description="where the file lies, when it is not stored here; null for stored files"
        ),
    ]
    research_project_id: Annotated[str, Field(description="id of the research project")]
    resources_changed: Annotated[
        int, Field(description="number of resources that changed because of it, from 0")
    ]
    sha256: Annotated[
        str | None,
        Field(description="of what was uploaded; null for a file that lies elsewhere"),
    ]
    size_bytes: Annotated[
        int | None,
        Field(
            description="size of the stored file in bytes, from 0; null for a file that lies elsewhere"
        ),
    ]
    state: Annotated[
        ResourceState,
        Field(description="stored, then described or unreadable once it was read"),
    ]
    stored_sha256: Annotated[
        str | None,
        Field(description="of what is stored now; null for a file that lies elsewhere"),
    ]
    time_issue: Annotated[
        TimeIssue | None,
        Field(
            description="why the time is absent or may be wrong; null when it is sound"
        ),
    ]
    time_issue_message: Annotated[
        str | None, Field(description="the same for people, with what to do")
    ]
    time_override: Annotated[
        datetime | None,
        Field(
            description="the time that a person gave; it goes before the file's; null for none"
        ),
    ]
    time_source: Annotated[TimeSource, Field(description="where the time comes from")]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]
    visibility: Annotated[Visibility, Field(description="who may see the pictures")]
    width: Annotated[
        int | None, Field(description="width of the upright picture in pixels, from 1")
    ]


class ClassificationMemberReply(ContractModel):
    email: Annotated[str, Field(description="e-mail address")]
    name: Annotated[
        str, Field(description="the person's full name; empty when none was given")
    ]
    role: Annotated[ClassificationRole, Field(description="role in the project")]
    user_id: Annotated[str, Field(description="id of the person")]


class ClassificationMembersReply(ContractModel):
    items: Annotated[
        list[ClassificationMemberReply],
        Field(description="the rows, in the order that the list promises"),
    ]


class ClassificationProjectChange(ContractModel):
    """
    Only what is given changes; a job that was submitted keeps what it was asked.
    """

    classification_threshold: Annotated[
        float | None,
        Field(
            description="species with a lower score, 0 to 1, are not named; null takes the model's typical one"
        ),
    ] = None
    detection_threshold: Annotated[
        float | None,
        Field(
            description="detections with a lower score, 0 to 1, are left out; null takes the model's typical one"
        ),
    ] = None
    embedding_ai_model: Annotated[
        str | None, Field(description="the provider of features; null for none")
    ] = None
    keep_logits: Annotated[
        KeepLogits | None,
        Field(
            description="Whether classifications keep their logits; auto keeps those of models with up to 5,000 labels."
        ),
    ] = None
    match_iou: Annotated[
        float | None,
        Field(
            description="overlap, 0 to 1, from which a box of a new run is the same object as one of before"
        ),
    ] = None
    name: Annotated[
        str | None,
        Field(
            description="name for people, unique in the research project, 1 to 200 characters"
        ),
    ] = None
    nms_iou: Annotated[
        float | None,
        Field(
            description="overlap, 0 to 1, from which two boxes of one picture are one object"
        ),
    ] = None
    object_detection_ai_model: Annotated[
        str | None,
        Field(
            description="the detection provider; null while none is chosen, and no job is made"
        ),
    ] = None
    required_ai_classification: Annotated[
        bool | None,
        Field(description="whether people can approve only what the AI has looked at"),
    ] = None
    sequence_interval_seconds: Annotated[
        int | None,
        Field(
            description="captures of one deployment that are at most so many seconds apart are one sequence, 1 to 31,536,000; null takes the project's"
        ),
    ] = None
    species_ai_model: Annotated[
        str | None, Field(description="the species provider; null for none")
    ] = None
    status: Annotated[
        ClassificationProjectStatus | None,
        Field(description="ongoing, or finished: then no AI job is made"),
    ] = None
    taxa_list: Annotated[
        str | None,
        Field(
            description="taxa list with which the results of each job are masked; null masks none"
        ),
    ] = None


class ClassificationProjectChanged(ContractModel):
    """
    The project as it is after a change, or as it stays after a dry run.
    """

    blocked: Annotated[
        Blocked | None,
        Field(description="why no job can be made; null when nothing is in the way"),
    ]
    capabilities: Annotated[
        list[Capability],
        Field(description="what the caller's role and token allow on the project"),
    ]
    classification_threshold: Annotated[
        float | None,
        Field(
            description="species with a lower score, 0 to 1, are not named; null takes the model's typical one"
        ),
    ]
    classificator_id: Annotated[
        str, Field(description="the set of attributes that people fill in")
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    detection_threshold: Annotated[
        float | None,
        Field(
            description="detections with a lower score, 0 to 1, are left out; null takes the model's typical one"
        ),
    ]
    embedding_ai_model: Annotated[
        str | None, Field(description="the provider of features; null for none")
    ]
    id: Annotated[str, Field(description="id of the row")]
    keep_logits: Annotated[
        KeepLogits,
        Field(
            description="which raw values of the species model stay stored with the results"
        ),
    ]
    match_iou: Annotated[
        float,
        Field(
            description="overlap, 0 to 1, from which a box of a new run is the same object as one of before"
        ),
    ]
    name: Annotated[str, Field(description="what people call it")]
    nms_iou: Annotated[
        float,
        Field(
            description="overlap, 0 to 1, from which two boxes of one picture are one object"
        ),
    ]
    object_detection_ai_model: Annotated[
        str | None,
        Field(
            description="the detection provider; null while none is chosen, and no job is made"
        ),
    ]
    required_ai_classification: Annotated[
        bool,
        Field(description="whether people can approve only what the AI has looked at"),
    ]
    rerun_resources: Annotated[
        int | None,
        Field(
            description="number of resources from 0 that a re-run under the new AI settings would take; null when the change concerns no AI setting"
        ),
    ]
    research_project_id: Annotated[str, Field(description="id of the research project")]
    sequence_interval_seconds: Annotated[
        int,
        Field(
            description="captures of one deployment that are at most so many seconds apart are one sequence, 1 to 31,536,000; null takes the project's"
        ),
    ]
    slug: Annotated[str, Field(description="the name in addresses; it never changes")]
    species_ai_model: Annotated[
        str | None, Field(description="the species provider; null for none")
    ]
    status: Annotated[
        ClassificationProjectStatus, Field(description="whether work on it goes on")
    ]
    taxa_list: Annotated[
        str | None, Field(description="with which the results of each job are masked")
    ]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]


class ClassificationProjectReply(ContractModel):
    blocked: Annotated[
        Blocked | None,
        Field(description="why no job can be made; null when nothing is in the way"),
    ]
    capabilities: Annotated[
        list[Capability],
        Field(description="what the caller's role and token allow on the project"),
    ]
    classification_threshold: Annotated[
        float | None,
        Field(
            description="species with a lower score, 0 to 1, are not named; null takes the model's typical one"
        ),
    ]
    classificator_id: Annotated[
        str, Field(description="the set of attributes that people fill in")
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    detection_threshold: Annotated[
        float | None,
        Field(
            description="detections with a lower score, 0 to 1, are left out; null takes the model's typical one"
        ),
    ]
    embedding_ai_model: Annotated[
        str | None, Field(description="the provider of features; null for none")
    ]
    id: Annotated[str, Field(description="id of the row")]
    keep_logits: Annotated[
        KeepLogits,
        Field(
            description="which raw values of the species model stay stored with the results"
        ),
    ]
    match_iou: Annotated[
        float,
        Field(
            description="overlap, 0 to 1, from which a box of a new run is the same object as one of before"
        ),
    ]
    name: Annotated[
        str,
        Field(
            description="name for people, unique in the research project, 1 to 200 characters"
        ),
    ]
    nms_iou: Annotated[
        float,
        Field(
            description="overlap, 0 to 1, from which two boxes of one picture are one object"
        ),
    ]
    object_detection_ai_model: Annotated[
        str | None,
        Field(
            description="the detection provider; null while none is chosen, and no job is made"
        ),
    ]
    required_ai_classification: Annotated[
        bool,
        Field(description="whether people can approve only what the AI has looked at"),
    ]
    research_project_id: Annotated[str, Field(description="id of the research project")]
    sequence_interval_seconds: Annotated[
        int,
        Field(
            description="captures of one deployment that are at most so many seconds apart are one sequence, 1 to 31,536,000; null takes the project's"
        ),
    ]
    slug: Annotated[str, Field(description="the name in addresses; it never changes")]
    species_ai_model: Annotated[
        str | None, Field(description="the species provider; null for none")
    ]
    status: Annotated[
        ClassificationProjectStatus,
        Field(description="ongoing, or finished: then no AI job is made"),
    ]
    taxa_list: Annotated[
        str | None, Field(description="with which the results of each job are masked")
    ]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]


class ClassificationReply(ContractModel):
    """
    A row of one resource in one project.
    """

    approved_at: Annotated[
        datetime | None, Field(description="when it was approved; null when it is not")
    ]
    approved_by_id: Annotated[
        str | None, Field(description="the person who approved it")
    ]
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    edited_by_id: Annotated[
        str | None,
        Field(
            description="who wrote what the row says now, when that is not its owner's first"
        ),
    ]
    final_classification_id: Annotated[
        str | None,
        Field(
            description="the final row of the same resource and project; null for the final row itself"
        ),
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_approved: Annotated[
        bool, Field(description="whether it is the accepted answer for the resource")
    ]
    is_current: Annotated[
        bool, Field(description="false when a newer AI run superseded it")
    ]
    job_config_version: Annotated[
        int | None,
        Field(
            description="the configuration that its results were parsed with, from 1"
        ),
    ]
    job_id: Annotated[str | None, Field(description="id of the job")]
    linked_collection_id: Annotated[
        str | None, Field(description="id of the link of a collection to a project")
    ]
    locked_at: Annotated[
        datetime | None,
        Field(
            description="when it was first approved: from then on it never changes; null before"
        ),
    ]
    owner_id: Annotated[
        str | None, Field(description="the person who made it; null for rows of the AI")
    ]
    provider_id: Annotated[
        str | None,
        Field(description="id of the provider: a model version that a Manager offers"),
    ]
    resource_id: Annotated[str, Field(description="id of the resource")]
    source_classification_id: Annotated[
        str | None,
        Field(
            description="the row that it was made from, or that the final row points to"
        ),
    ]
    static_attributes: Annotated[
        dict[str, object],
        Field(
            description="attributes of the whole resource that the project defined, by name"
        ),
    ]
    superseded_by_id: Annotated[
        str | None,
        Field(
            description="the newer AI row of the same resource and detector; null for the current one"
        ),
    ]
    type: Annotated[
        ClassificationType,
        Field(
            description="who says it: the AI, a person, a person's feedback, or the final container of what is approved"
        ),
    ]
    updated_at: Annotated[datetime, Field(description="when it was last written")]
    version: Annotated[
        int,
        Field(
            description="from 0, raised by each edit of the row and each decision about its resource; send it in If-Match"
        ),
    ]


class CollectionChange(ContractModel):
    """
    Only what is given changes.
    """

    description: Annotated[str | None, Field(description="free text for people")] = None
    is_active: Annotated[
        bool | None,
        Field(description="false for what is archived, paused or switched off"),
    ] = None
    name: Annotated[
        str | None,
        Field(
            description="name for people, unique in the research project, 1 to 300 characters"
        ),
    ] = None
    visibility: Annotated[
        Visibility | None, Field(description="who may see the pictures")
    ] = None


class CollectionLinkReply(ContractModel):
    """
    A link as the owners of the collection see it.
    """

    blocked: Annotated[
        Blocked | None, Field(description="why no job can be made of its resources")
    ] = None
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    classification_project_name: Annotated[
        str, Field(description="what people call the project that uses the collection")
    ]
    collection_id: Annotated[str, Field(description="id of the collection")]
    consented_at: Annotated[
        datetime | None,
        Field(description="when the owners of the collection agreed; null before"),
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    revoked_at: Annotated[
        datetime | None,
        Field(description="when it was taken back; null while it holds"),
    ]
    sequence_interval_seconds: Annotated[
        int | None,
        Field(
            description="captures of one deployment that are at most so many seconds apart are one sequence, 1 to 31,536,000; null takes the project's"
        ),
    ]
    state: Annotated[
        LinkState,
        Field(
            description="what the collection's owners decided: requested, open or revoked"
        ),
    ]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]


class CollectionReply(ContractModel):
    created_at: Annotated[datetime, Field(description="when it was made")]
    description: Annotated[str, Field(description="free text for people")]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    name: Annotated[
        str,
        Field(
            description="name for people, unique in the research project, 1 to 300 characters"
        ),
    ]
    research_project_id: Annotated[str, Field(description="id of the research project")]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]
    visibility: Annotated[Visibility, Field(description="who may see the pictures")]


class ConnectionPage(ContractModel):
    items: Annotated[
        list[ConnectionReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class ConnectionSync(ContractModel):
    added: Annotated[
        list[str],
        Field(
            description="models that are new since the last reading, by name and version"
        ),
    ]
    connection: Annotated[str, Field(description="name of the connection")]
    deactivated: Annotated[
        list[str],
        Field(
            description="models that the Manager offers no more, by name and version"
        ),
    ]
    features_not_stored: Annotated[
        list[FeaturesNotStored],
        Field(
            description="models whose features cannot be stored, each with the reason"
        ),
    ]
    models: Annotated[
        int, Field(description="number of models that the Manager offers, from 0")
    ]
    problem: Annotated[
        str | None,
        Field(description="what went wrong, in one sentence; null when nothing did"),
    ]
    unresolved: Annotated[
        list[UnresolvedLabel], Field(description="labels that name no known taxon")
    ]


class ConnectionSyncs(ContractModel):
    items: Annotated[
        list[ConnectionSync],
        Field(description="the rows, in the order that the list promises"),
    ]


class DeploymentPage(ContractModel):
    items: Annotated[
        list[DeploymentReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class DeterminationReply(ContractModel):
    """
    The taxon that an occurrence carries, and where it comes from.
    """

    score: Annotated[
        float | None,
        Field(
            description="from 0 to 1, of the prediction or approved observation; null for a person's"
        ),
    ]
    source: Annotated[
        DeterminationSource,
        Field(
            description="the first of identification, approval and prediction that there is"
        ),
    ]
    taxon: Annotated[
        DeterminedTaxon | None,
        Field(description="null when the approved observation names no taxon"),
    ]


class DryRunReply(ContractModel):
    """
    What a run would change now; nothing was written.
    """

    counters: Annotated[
        dict[str, int],
        Field(
            description="observations by what became of them, and changed determinations of occurrences"
        ),
    ]
    examples: Annotated[list[ExampleReply], Field(description="the first ones")]
    facts: Annotated[
        dict[str, object],
        Field(
            description="what follows from the settings, as the number of kept labels"
        ),
    ]
    pairs: Annotated[list[PairReply], Field(description="the most frequent first")]
    total: Annotated[int, Field(description="observations in scope, from 0")]


class DryRunRequest(ContractModel):
    """
    A scope and the settings of the method.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    config: Annotated[
        dict[str, object] | None,
        Field(description="settings of the method; what is not given has its default"),
    ] = None
    scope: Annotated[
        RunScope,
        Field(
            description="what it looks at: exactly one of a project, a linked collection, sequences, an occurrence and resources"
        ),
    ]


class EnteredStage(ContractModel):
    """
    A stage that a job went through.
    """

    at: Annotated[datetime, Field(description="when the job entered it")]
    stage: Annotated[JobStage, Field(description="how far the job is")]


class FrozenJobConfig(ContractModel):
    """
    A job's whole configuration, fixed when the job is made; its base class is what the Manager is sent.

    The thresholds here are those that results are parsed with, those of the stages are what the worker was sent.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    classification_threshold: Annotated[
        float,
        Field(
            description="species with a lower score, 0 to 1, are not named; null takes the model's typical one"
        ),
    ]
    detection_threshold: Annotated[
        float,
        Field(
            description="detections with a lower score, 0 to 1, are left out; null takes the model's typical one"
        ),
    ]
    embedding_algorithm_id: Annotated[
        str | None,
        Field(
            description="Algorithm whose features are stored as embeddings; null stores none."
        ),
    ] = None
    match_iou: Annotated[
        float,
        Field(
            description="overlap, 0 to 1, from which a box of a new run is the same object as one of before"
        ),
    ]
    nms_iou: Annotated[
        float,
        Field(
            description="overlap, 0 to 1, from which two boxes of one picture are one object"
        ),
    ]
    overrides: Annotated[
        dict[str, str | bool | int | float | None] | None,
        Field(
            description="The overrides as they were given; they are applied already."
        ),
    ] = None
    stages: Annotated[
        list[ProviderStage],
        Field(
            description="the steps, in order: detection first, the others look at its boxes"
        ),
    ]
    version: Annotated[
        Literal[1], Field(description="version of the document; always 1")
    ] = 1


class IdentificationResult(ContractModel):
    """
    The identification that stands now, or why it was refused; the others were kept.
    """

    identification_id: Annotated[
        str | None,
        Field(description="id of the identification; null when it was refused"),
    ]
    occurrence_id: Annotated[
        str,
        Field(
            description="id of the occurrence: one animal, over all pictures that show it"
        ),
    ]
    problem: Annotated[
        ProblemBody | None,
        Field(description="what went wrong, in one sentence; null when nothing did"),
    ]


class IdentificationResults(ContractModel):
    """
    What became of each, in the order of the request.
    """

    items: Annotated[
        list[IdentificationResult],
        Field(description="the rows, in the order that the list promises"),
    ]


class InvitationReply(ContractModel):
    """
    A role in one of the two kinds of project, offered and not yet accepted.
    """

    classification_project_id: Annotated[
        str | None, Field(description="id of the classification project")
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    email: Annotated[str, Field(description="e-mail address")]
    id: Annotated[str, Field(description="id of the row")]
    project_name: Annotated[str, Field(description="what people call the project")]
    research_project_id: Annotated[
        str | None, Field(description="id of the research project")
    ]
    role: Annotated[
        ResearchRole | ClassificationRole, Field(description="role in the project")
    ]


class JobRerun(ContractModel):
    """
    The same scope again, or only what failed.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    dry_run: Annotated[
        bool, Field(description="only count what would be done; nothing is made")
    ] = False
    failed_only: Annotated[
        bool, Field(description="only the resources that failed")
    ] = False
    interactive: Annotated[
        bool,
        Field(description="whether a person waits for it: it goes before other jobs"),
    ] = False
    overrides: Annotated[
        Overrides | None,
        Field(description="settings of this job that differ from the project's"),
    ] = None


class JobResourceReply(ContractModel):
    """
    How one resource of a job ended.
    """

    code: Annotated[
        FailureCode | Literal["job-failed"] | None,
        Field(description="stable code of the reason, for programs"),
    ]
    message: Annotated[str | None, Field(description="one sentence for people")]
    outcome: Annotated[Outcome, Field(description="how it ended")]
    resource_id: Annotated[str, Field(description="id of the resource")]


class LabelCounts(ContractModel):
    """
    How often a taxon, or a type without one, was seen.
    """

    approved: Annotated[LabelCount, Field(description="in approved classifications")]
    by_ai: Annotated[LabelCount, Field(description="in the newest result of the AI")]
    observation_type: Annotated[ObservationType, Field(description="what was seen")]
    scientific_name: Annotated[
        str | None,
        Field(
            description="Latin name of the taxon, with author and year where the source gives them, at most 200 characters"
        ),
    ]
    taxon_id: Annotated[
        str | None,
        Field(description="null where none is known, and for types that have none"),
    ]


class LabelReply(ContractModel):
    """
    The meaning of one output of a model.
    """

    common_name: Annotated[
        str | None,
        Field(description="name in everyday English, at most 200 characters"),
    ]
    index: Annotated[int, Field(description="position in the output, from 0")]
    label: Annotated[str, Field(description="label as the model has it")]
    lineage: Annotated[
        dict[str, str],
        Field(
            description="names of the taxa above it and of itself, by rank, as the model has them"
        ),
    ]
    observation_type: Annotated[ObjectType | None, Field(description="what was seen")]
    rank: Annotated[
        str | None,
        Field(
            description="rank of the taxon; `other` for a rank that is not in the list, null when unknown"
        ),
    ]
    scientific_name: Annotated[
        str | None,
        Field(
            description="Latin name of the taxon, with author and year where the source gives them, at most 200 characters"
        ),
    ]
    taxon_id: Annotated[
        str | None,
        Field(description="null when the label names no taxon, or none that is known"),
    ]


class LinkedCollectionPage(ContractModel):
    items: Annotated[
        list[LinkedCollectionReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class ListedTaxonPage(ContractModel):
    items: Annotated[
        list[ListedTaxonReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class LocationPage(ContractModel):
    items: Annotated[
        list[LocationReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class MachineDetection(ContractModel):
    """
    One box as the detector gave it: x, y, width, height of the upright picture.
    """

    bbox: Annotated[
        list[float],
        Field(
            description="x, y, width and height of the box as fractions 0 to 1 of the upright picture, from its top left corner"
        ),
    ]
    classifications: Annotated[
        list[LabelScore],
        Field(description="labels of the species model for this box, best first"),
    ]
    label: Annotated[str, Field(description="label as the model has it")]
    observation_type: Annotated[ObjectType | None, Field(description="what was seen")]
    score: Annotated[float, Field(description="how sure the model was, 0 to 1")]


class MachineResult(ContractModel):
    """
    What the machine said of one resource: seen with its size and detections, or failed with code and message.
    """

    classifier: Annotated[
        ModelName | None,
        Field(description="the species model; null when the job had none"),
    ]
    code: Annotated[
        FailureCode | None,
        Field(description="why it failed, for programs; null when it was looked at"),
    ] = None
    damaged: Annotated[
        bool, Field(description="whether part of the picture is lost")
    ] = False
    detections: Annotated[
        list[MachineDetection],
        Field(description="boxes of at least the requested score, best first"),
    ]
    detector: Annotated[
        ModelName | None,
        Field(
            description="the detection model; null when the resource could not be read"
        ),
    ]
    height: Annotated[
        int | None, Field(description="height of the upright picture in pixels, from 1")
    ] = None
    message: Annotated[
        str | None,
        Field(description="why it failed, in one sentence; null when it was looked at"),
    ] = None
    outcome: Annotated[Outcome1, Field(description="how it ended")]
    resource_id: Annotated[str, Field(description="id of the resource")]
    width: Annotated[
        int | None, Field(description="width of the upright picture in pixels, from 1")
    ] = None


class MachineResultPage(ContractModel):
    items: Annotated[
        list[MachineResult],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class MembershipReply(ContractModel):
    """
    A member whose role was changed, or an invitation, which is the same for an e-mail that nobody here has.
    """

    email: Annotated[str, Field(description="e-mail address")]
    role: Annotated[
        ResearchRole | ClassificationRole, Field(description="role in the project")
    ]
    state: Annotated[
        State, Field(description="member at once, or invited until the person accepts")
    ]


class MethodReply(ContractModel):
    """
    A kind of post-processing.
    """

    about: Annotated[str, Field(description="what it does, in one sentence")]
    config_schema: Annotated[
        dict[str, object],
        Field(description="JSON Schema of its settings, with ranges and defaults"),
    ]
    key: Annotated[MethodKey, Field(description="key of the taxon in the checklist")]
    name: Annotated[str, Field(description="what people call it")]
    scopes: Annotated[
        list[ScopeKind], Field(description="what a run of it can look at")
    ]


class MethodsReply(ContractModel):
    """
    Every method.
    """

    items: Annotated[
        list[MethodReply],
        Field(description="the rows, in the order that the list promises"),
    ]


class Neighbours(ContractModel):
    """
    Resources of the same deployment and method around one, in order of time.
    """

    after: Annotated[
        list[SequenceMemberReply], Field(description="the later ones, in order of time")
    ]
    before: Annotated[
        list[SequenceMemberReply],
        Field(description="the earlier ones, in order of time"),
    ]
    resource: Annotated[SequenceMemberReply, Field(description="the resource itself")]


class NewCollection(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    description: Annotated[str, Field(description="free text for people")] = ""
    name: Annotated[
        str,
        Field(
            description="name for people, unique in the research project, 1 to 300 characters"
        ),
    ]
    research_project_id: Annotated[str, Field(description="id of the research project")]
    visibility: Annotated[Visibility, Field(description="who may see the pictures")] = (
        Visibility.PRIVATE
    )


class NewJob(ContractModel):
    """
    A linked collection, or a selection of its resources; with `dry_run` nothing is made.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    dry_run: Annotated[
        bool, Field(description="only count what would be done; nothing is made")
    ] = False
    interactive: Annotated[
        bool,
        Field(description="whether a person waits for it: it goes before other jobs"),
    ] = False
    linked_collection_id: Annotated[
        str | None, Field(description="id of the link of a collection to a project")
    ] = None
    missing_only: Annotated[
        bool,
        Field(
            description="only resources that no job with the same models has looked at"
        ),
    ] = False
    overrides: Annotated[
        Overrides | None,
        Field(description="settings of this job that differ from the project's"),
    ] = None
    resource_ids: Annotated[
        list[str] | None,
        Field(
            description="only these resources of the project, at most 100,000; null for all of the link"
        ),
    ] = None


class NewResearchMember(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    email: Annotated[str, Field(description="e-mail address")]
    role: Annotated[ResearchRole, Field(description="role in the project")]


class NewResearchProject(ContractModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    abstract: Annotated[
        str, Field(description="what the project is about, at most 10,000 characters")
    ] = ""
    acronym: Annotated[str, Field(description="short name, at most 10 characters")]
    capture_method: Annotated[
        CaptureMethod | None, Field(description="what triggers the cameras")
    ] = None
    individual_animals: Annotated[
        bool, Field(description="whether single animals are told apart")
    ] = False
    keywords: Annotated[list[str], Field(description="at most 100 keywords")] = []
    name: Annotated[
        str, Field(description="name for people, unique, 1 to 200 characters")
    ]
    sampling_design: Annotated[
        SamplingDesign | None,
        Field(description="how the places of the cameras were chosen"),
    ] = None


class NewTaxa(ContractModel):
    """
    Taxa to add, from exactly one source.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    algorithm_id: Annotated[
        str | None, Field(description="a model, whose labels name the taxa")
    ] = None
    approved_in: Annotated[
        str | None,
        Field(
            description="a classification project, whose approved observations name the taxa"
        ),
    ] = None
    dry_run: Annotated[
        bool, Field(description="only count what would be done; nothing is made")
    ] = False
    leave_out: Annotated[
        bool,
        Field(
            description="whether rows that match no taxon or several are left out; else nothing is added"
        ),
    ] = False
    rows: Annotated[
        list[NewTaxaListRow] | None,
        Field(description="rows of a table; each is matched to a taxon"),
    ] = None


class NewTaxon(ContractModel):
    """
    A taxon that no checklist brought; the leader of the named project adds it for all projects.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    parent_id: Annotated[
        str | None, Field(description="the taxon above; null at the top")
    ] = None
    rank: Annotated[
        TaxonRank,
        Field(
            description="rank of the taxon; `other` for a rank that is not in the list, null when unknown"
        ),
    ]
    scientific_name: Annotated[
        str,
        Field(
            description="Latin name of the taxon, with author and year where the source gives them, at most 200 characters"
        ),
    ]
    vernacular_names: Annotated[
        dict[
            Annotated[
                str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
            ],
            str,
        ]
        | None,
        Field(description="names in everyday language, by language code"),
    ] = None


class ObservationChange(ContractModel):
    """
    An observation of a row that is edited; its read-only fields are taken when they are as they were read.
    """

    bbox: Annotated[
        list[float] | None,
        Field(
            description="x, y, width and height of the box as fractions 0 to 1 of the upright picture, from its top left corner"
        ),
    ] = None
    behaviour: Annotated[
        str | None, Field(description="what the animal does, at most 200 characters")
    ] = None
    count: Annotated[
        int | None,
        Field(
            description="number of individuals, 1 to 1,000,000; null for one object with a box"
        ),
    ] = None
    custom_attributes: Annotated[
        dict[str, object] | None,
        Field(description="attributes that the project defined, by name"),
    ] = None
    first_frame_index: Annotated[
        int | None,
        Field(description="source frame of the box, from 0; null without a box"),
    ] = None
    id: Annotated[str | None, Field(description="id of the row")] = None
    individual_id: Annotated[
        str | None,
        Field(
            description="name of the individual, at most 200 characters; null when it is not known"
        ),
    ] = None
    life_stage: Annotated[
        LifeStage | None,
        Field(description="age of the animal; null when it is not known"),
    ] = None
    observation_level: Annotated[
        ObservationLevel | None,
        Field(
            description="when left out: resource for blank and unclassified, object for the others"
        ),
    ] = None
    observation_type: Annotated[ObservationType, Field(description="what was seen")]
    sex: Annotated[
        Sex | None, Field(description="sex of the animal; null when it is not known")
    ] = None
    tags: Annotated[
        list[str] | None, Field(description="short words to find it by")
    ] = None
    taxon_id: Annotated[str | None, Field(description="id of the taxon")] = None


class ObservationInput(ContractModel):
    """
    What a person says about one object or group; `id` keeps an observation that the row has already.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    bbox: Annotated[
        list[float] | None,
        Field(
            description="x, y, width and height of the box as fractions 0 to 1 of the upright picture, from its top left corner"
        ),
    ] = None
    behaviour: Annotated[
        str | None, Field(description="what the animal does, at most 200 characters")
    ] = None
    count: Annotated[
        int | None,
        Field(
            description="number of individuals, 1 to 1,000,000; null for one object with a box"
        ),
    ] = None
    custom_attributes: Annotated[
        dict[str, object] | None,
        Field(description="attributes that the project defined, by name"),
    ] = None
    first_frame_index: Annotated[
        int | None,
        Field(description="source frame of the box, from 0; null without a box"),
    ] = None
    id: Annotated[str | None, Field(description="id of the row")] = None
    individual_id: Annotated[
        str | None,
        Field(
            description="name of the individual, at most 200 characters; null when it is not known"
        ),
    ] = None
    life_stage: Annotated[
        LifeStage | None,
        Field(description="age of the animal; null when it is not known"),
    ] = None
    observation_level: Annotated[
        ObservationLevel | None,
        Field(
            description="when left out: resource for blank and unclassified, object for the others"
        ),
    ] = None
    observation_type: Annotated[ObservationType, Field(description="what was seen")]
    sex: Annotated[
        Sex | None, Field(description="sex of the animal; null when it is not known")
    ] = None
    tags: Annotated[
        list[str] | None, Field(description="short words to find it by")
    ] = None
    taxon_id: Annotated[str | None, Field(description="id of the taxon")] = None


class OccurrenceReply(ContractModel):
    """
    One individual that was seen: where, when, how often, and what it is determined as.
    """

    best_observation_id: Annotated[
        str, Field(description="the observation that its model was most sure of")
    ]
    best_resource_id: Annotated[
        str,
        Field(
            description="the resource of that observation, as a picture of the occurrence"
        ),
    ]
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    deployment_id: Annotated[str | None, Field(description="id of the deployment")]
    determination: Annotated[
        DeterminationReply | None, Field(description="null when nothing names a taxon")
    ]
    duration_seconds: Annotated[
        float | None,
        Field(
            description="seconds from the first to the last appearance, from 0; null without times"
        ),
    ]
    first_at: Annotated[
        datetime | None, Field(description="first appearance; null without a time")
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_identified: Annotated[
        bool, Field(description="whether an identification of a person stands")
    ]
    is_unmatched: Annotated[
        bool, Field(description="identified, and the newest AI run saw nothing there")
    ]
    last_at: Annotated[
        datetime | None, Field(description="last appearance; null without a time")
    ]
    linked_collection_id: Annotated[
        str | None, Field(description="id of the link of a collection to a project")
    ]
    observation_count: Annotated[
        int, Field(description="current AI and approved observations, from 1")
    ]
    observation_type: Annotated[ObservationType, Field(description="what was seen")]
    resource_count: Annotated[
        int, Field(description="resources with one of its observations, from 1")
    ]
    sequence_id: Annotated[
        str | None, Field(description="null while its resource is in no sequence")
    ]


class OperationLinePage(ContractModel):
    items: Annotated[
        list[OperationLineReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class OperationReply(ContractModel):
    """
    Long work that a person or a schedule started; its numbers move while it runs.
    """

    attempt: Annotated[int, Field(description="how many times it was started, from 0")]
    cancel_requested_at: Annotated[
        datetime | None, Field(description="it ends before its next batch")
    ]
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    counters: Annotated[dict[str, int], Field(description="further counts, by name")]
    created_at: Annotated[datetime, Field(description="when it was made")]
    created_by: Annotated[
        str | None, Field(description="null when a schedule started it")
    ]
    done: Annotated[int, Field(description="rows that are done, from 0")]
    ended_at: Annotated[
        datetime | None, Field(description="when it ended; null while it holds")
    ]
    error: Annotated[str | None, Field(description="why it failed")]
    expires_at: Annotated[
        datetime | None,
        Field(description="when it is deleted with its log; what it did stays"),
    ]
    heartbeat_at: Annotated[
        datetime | None,
        Field(description="when its process was last heard of, while it runs"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    kind: Annotated[
        str,
        Field(
            description="what it does, as feature.verb: jobs.make makes AI jobs of a large scope"
        ),
    ]
    result: Annotated[
        dict[str, object] | None,
        Field(description="what it made, by name; null until it ended"),
    ]
    started_at: Annotated[
        datetime | None, Field(description="when it was first started; null before")
    ]
    state: Annotated[
        OperationState, Field(description="`waiting` also between two attempts")
    ]
    total: Annotated[
        int,
        Field(description="rows that it has to do, counted when it started, from 0"),
    ]


class OptionsReply(ContractModel):
    """
    What can be chosen for a run in one scope.
    """

    about: Annotated[str, Field(description="what it does, in one sentence")]
    algorithms: Annotated[
        list[AlgorithmSummary],
        Field(
            description="source algorithms that ran on the occurrence, resources or sequences; of the project otherwise"
        ),
    ]
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    config_schema: Annotated[
        dict[str, object],
        Field(description="JSON Schema of its settings, with ranges and defaults"),
    ]
    key: Annotated[MethodKey, Field(description="key of the taxon in the checklist")]
    name: Annotated[str, Field(description="what people call it")]
    scopes: Annotated[
        list[ScopeKind], Field(description="what a run of it can look at")
    ]


class PackedFileReply(ContractModel):
    """
    A file of a pack: its resource, or why it was refused; the others were kept.
    """

    problem: Annotated[
        ProblemBody | None,
        Field(description="what went wrong, in one sentence; null when nothing did"),
    ]
    resource_id: Annotated[str | None, Field(description="id of the resource")]
    upload_id: Annotated[str, Field(description="id of the upload")]


class ParseVersion(ContractModel):
    """
    One configuration that a job's results were parsed with; version 1 is the job's own.
    """

    created_at: Annotated[datetime, Field(description="when it was made")]
    created_by: Annotated[
        str | None,
        Field(description="the person who asked for it; null for the system"),
    ]
    job_config: Annotated[
        FrozenJobConfig,
        Field(
            description="what runs on every resource: the stages with their models and thresholds"
        ),
    ]
    superseded: Annotated[
        int | None,
        Field(
            description="number of resources, from 0, whose current row is of another job; null unless it is the latest"
        ),
    ]
    version: Annotated[int, Field(description="number of the configuration, from 1")]


class ParseVersions(ContractModel):
    """
    Every configuration of a job, oldest first.
    """

    items: Annotated[
        list[ParseVersion],
        Field(description="the rows, in the order that the list promises"),
    ]


class PathReply(ContractModel):
    """
    A path under which a resource lies in the collection, and the deployment for which it was uploaded.

    `resource_deployment_id` is where the resource is; the same bytes at two deployments are one resource, at the first.
    """

    deployment_id: Annotated[str | None, Field(description="id of the deployment")]
    failure_code: Annotated[
        FailureCode | None,
        Field(
            description="why the file cannot be read, for programs; null when it can"
        ),
    ]
    failure_message: Annotated[
        str | None,
        Field(
            description="why the file cannot be read, in one sentence; null when it can"
        ),
    ]
    file_name: Annotated[
        str,
        Field(description="name of the file as it was uploaded, without its folder"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    path: Annotated[
        str, Field(description="path relative to the folder that it is below")
    ]
    resource_deployment_id: Annotated[
        str | None,
        Field(description="deployment of the resource; null when it has none"),
    ]
    resource_id: Annotated[str, Field(description="id of the resource")]
    state: Annotated[
        ResourceState,
        Field(description="stored, then described or unreadable once it was read"),
    ]


class PredictionReply(ContractModel):
    """
    What one algorithm predicted for the object.
    """

    algorithm: Annotated[AlgorithmSummary, Field(description="which predicted it")]
    algorithm_id: Annotated[
        str, Field(description="the model version or method that made the prediction")
    ]
    applied_to: Annotated[
        AppliedTo | None,
        Field(
            description="what it was derived from; null for what a model said itself"
        ),
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    id: Annotated[str, Field(description="id of the row")]
    label: Annotated[str, Field(description="label as the model has it")]
    rule: Annotated[
        str | None,
        Field(
            description="the rule of a post-processing method that chose the label; null for a model"
        ),
    ]
    score: Annotated[float, Field(description="from 0 to 1")]
    taxon_id: Annotated[str | None, Field(description="id of the taxon")]
    terminal: Annotated[
        bool, Field(description="whether it is the prediction that counts")
    ]
    top_k: Annotated[
        list[RankedLabel],
        Field(description="the best labels with their scores, best first"),
    ]


class ProvenanceStep(ContractModel):
    """
    What an algorithm or a row says about an object, and the step that it was made from.
    """

    algorithm: Annotated[
        AlgorithmSummary | None,
        Field(description="what made the prediction; null for an observation"),
    ]
    approved_by_id: Annotated[
        str | None, Field(description="the person who approved it")
    ]
    classification_id: Annotated[str, Field(description="the row that it belongs to")]
    created_at: Annotated[datetime, Field(description="when it was made")]
    derived_from_id: Annotated[
        str | None,
        Field(description="the step that it was made from; null for what came first"),
    ]
    edited_by_id: Annotated[
        str | None,
        Field(
            description="who wrote what the row says now, when that is not its owner's first"
        ),
    ]
    id: Annotated[str, Field(description="of the prediction, or of the observation")]
    is_approved: Annotated[
        bool, Field(description="whether the observation's row is what is accepted now")
    ]
    kind: Annotated[
        StepKind,
        Field(
            description="what the model computes: detections, classes, features, depth or poses"
        ),
    ]
    label: Annotated[str | None, Field(description="label as the model has it")]
    observation_type: Annotated[
        ObservationType | None, Field(description="null for a prediction")
    ]
    owner_id: Annotated[
        str | None,
        Field(description="the person who made the row; null for what an AI run said"),
    ]
    rule: Annotated[
        str | None,
        Field(description="the rule of a post-processing method that chose the label"),
    ]
    score: Annotated[
        float | None, Field(description="from 0 to 1; null for what a person said")
    ]
    taxon_id: Annotated[str | None, Field(description="id of the taxon")]
    terminal: Annotated[
        bool | None,
        Field(
            description="whether it is the prediction that counts; null for an observation"
        ),
    ]


class ProviderDetail(ContractModel):
    """
    With its labels in index order.
    """

    algorithm_id: Annotated[
        str | None,
        Field(description="the model version or method that made the prediction"),
    ]
    availability: Annotated[
        Availability,
        Field(
            description="whether the weights can be downloaded, converted, or only be brought by hand"
        ),
    ]
    blocked: Annotated[
        Blocked | None,
        Field(description="why no enrolled worker can run it; null when one can"),
    ]
    categories: Annotated[
        list[LabelReply],
        Field(description="what the model's labels mean, in the order of its output"),
    ]
    connection_id: Annotated[
        str, Field(description="the Manager that offers or runs it")
    ]
    description: Annotated[str, Field(description="free text for people")]
    embedding_dimension: Annotated[
        int | None,
        Field(
            description="number of values of one embedding, from 1; null for other models"
        ),
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    is_unpinned: Annotated[
        bool, Field(description="whether no operator confirmed the weights yet")
    ]
    licence: Annotated[
        str,
        Field(
            description="licence of the model, as an SPDX identifier where there is one"
        ),
    ]
    name: Annotated[str, Field(description="the model's name in the catalogue")]
    nms_iou: Annotated[
        float | None,
        Field(
            description="overlap, 0 to 1, from which two boxes of one picture are one object"
        ),
    ]
    provider_type: Annotated[ModelKind, Field(description="what the model does")]
    sha256: Annotated[
        str | None,
        Field(description="sha256 of the bytes, 64 lower-case hexadecimal digits"),
    ]
    threshold_conservative: Annotated[
        float | None,
        Field(
            description="score, 0 to 1, from which hardly anything is wrong; null when nobody said"
        ),
    ]
    threshold_typical: Annotated[
        float | None,
        Field(
            description="score, 0 to 1, that the model's authors recommend; null when nobody said"
        ),
    ]
    version: Annotated[
        str, Field(description="which release of it, at most 40 characters")
    ]


class ProviderPage(ContractModel):
    items: Annotated[
        list[ProviderReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class Queues(ContractModel):
    """
    Every queue that is not empty, and every runtime that has work or a live worker.
    """

    items: Annotated[
        list[Queue], Field(description="the rows, in the order that the list promises")
    ]
    runtimes: Annotated[
        list[Runtime], Field(description="what can run the models, such as `onnx-cpu`")
    ]


class ResearchMemberReply(ContractModel):
    email: Annotated[str, Field(description="e-mail address")]
    name: Annotated[
        str, Field(description="the person's full name; empty when none was given")
    ]
    role: Annotated[ResearchRole, Field(description="role in the project")]
    user_id: Annotated[str, Field(description="id of the person")]


class ResearchMembersReply(ContractModel):
    items: Annotated[
        list[ResearchMemberReply],
        Field(description="the rows, in the order that the list promises"),
    ]


class ResearchProjectChange(ContractModel):
    """
    Only what is given changes.
    """

    abstract: Annotated[
        str | None,
        Field(description="what the project is about, at most 10,000 characters"),
    ] = None
    acronym: Annotated[
        str | None, Field(description="short name, at most 10 characters")
    ] = None
    capture_method: Annotated[
        CaptureMethod | None, Field(description="what triggers the cameras")
    ] = None
    individual_animals: Annotated[
        bool | None, Field(description="whether single animals are told apart")
    ] = None
    keywords: Annotated[list[str] | None, Field(description="at most 100 keywords")] = (
        None
    )
    name: Annotated[
        str | None, Field(description="name for people, unique, 1 to 200 characters")
    ] = None
    sampling_design: Annotated[
        SamplingDesign | None,
        Field(description="how the places of the cameras were chosen"),
    ] = None


class ResearchProjectReply(ContractModel):
    abstract: Annotated[
        str, Field(description="what the project is about, at most 10,000 characters")
    ]
    acronym: Annotated[str, Field(description="short name, at most 10 characters")]
    activated_at: Annotated[
        datetime | None,
        Field(description="when a site admin activated it; null before"),
    ]
    capabilities: Annotated[
        list[Capability],
        Field(description="what the caller's role and token allow on the project"),
    ]
    capture_method: Annotated[
        CaptureMethod | None, Field(description="what triggers the cameras")
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    id: Annotated[str, Field(description="id of the row")]
    individual_animals: Annotated[
        bool, Field(description="whether single animals are told apart")
    ]
    keywords: Annotated[list[str], Field(description="at most 100 keywords")]
    name: Annotated[
        str, Field(description="name for people, unique, 1 to 200 characters")
    ]
    owner_id: Annotated[
        str, Field(description="the person who made it; null for rows of the AI")
    ]
    sampling_design: Annotated[
        SamplingDesign | None,
        Field(description="how the places of the cameras were chosen"),
    ]
    status: Annotated[
        ResearchProjectStatus,
        Field(description="requested, then active or rejected by a site admin"),
    ]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]


class ResourceChange(ContractModel):
    """
    Only what is given changes; null takes a deployment or a time of a person's back.
    """

    capture_method: Annotated[
        CaptureMethod | None, Field(description="what triggers the cameras")
    ] = None
    deployment_id: Annotated[str | None, Field(description="id of the deployment")] = (
        None
    )
    is_active: Annotated[
        bool | None,
        Field(description="false for what is archived, paused or switched off"),
    ] = None
    time_override: Annotated[
        datetime | None,
        Field(
            description="the time that a person gave; it goes before the file's; null for none"
        ),
    ] = None
    visibility: Annotated[
        Visibility | None, Field(description="who may see the pictures")
    ] = None


class ResourceDetail(ContractModel):
    """
    One resource with its EXIF.
    """

    capture_method: Annotated[
        CaptureMethod | None,
        Field(description="null when it is not known: taken as activityDetection"),
    ]
    captured_at: Annotated[
        datetime | None,
        Field(
            description="the moment of the capture in UTC; null when it is not known"
        ),
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    deployment_id: Annotated[str | None, Field(description="id of the deployment")]
    exif: Annotated[
        dict[str, object] | None, Field(description="the metadata of the file, by tag")
    ]
    external_id: Annotated[
        str | None, Field(description="of the system that it was imported from")
    ]
    failure_code: Annotated[
        FailureCode | None,
        Field(
            description="why the file cannot be read, for programs; null when it can"
        ),
    ]
    failure_message: Annotated[
        str | None,
        Field(
            description="why the file cannot be read, in one sentence; null when it can"
        ),
    ]
    file_name: Annotated[
        str,
        Field(description="name of the file as it was uploaded, without its folder"),
    ]
    file_path: Annotated[
        str,
        Field(description="path of the first upload, relative to the uploaded folder"),
    ]
    height: Annotated[
        int | None, Field(description="height of the upright picture in pixels, from 1")
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    is_damaged: Annotated[
        bool, Field(description="whether part of the picture is lost")
    ]
    kind: Annotated[
        ResourceKind,
        Field(
            description="image, video, audio, or unknown before the bytes are decoded"
        ),
    ]
    media_type: Annotated[
        str, Field(description="media type of the file, such as image/jpeg")
    ]
    offset_source: Annotated[
        OffsetSource, Field(description="where the offset from UTC comes from")
    ]
    outside_deployment: Annotated[
        bool, Field(description="captured outside of the deployment's period")
    ]
    privacy_state: Annotated[
        PrivacyState, Field(description="whether the picture was checked for people")
    ]
    recorded_at: Annotated[
        datetime | None,
        Field(
            description="the camera's wall clock, without an offset; null when the file says none"
        ),
    ]
    recorded_offset_seconds: Annotated[
        int | None,
        Field(
            description="offset from UTC in seconds that the file says, -86,400 to 86,400; null when it says none"
        ),
    ]
    remote_url: Annotated[
        str | None,
        Field(
            description="where the file lies, when it is not stored here; null for stored files"
        ),
    ]
    research_project_id: Annotated[str, Field(description="id of the research project")]
    sha256: Annotated[
        str | None,
        Field(description="of what was uploaded; null for a file that lies elsewhere"),
    ]
    size_bytes: Annotated[
        int | None,
        Field(
            description="size of the stored file in bytes, from 0; null for a file that lies elsewhere"
        ),
    ]
    state: Annotated[
        ResourceState,
        Field(description="stored, then described or unreadable once it was read"),
    ]
    stored_sha256: Annotated[
        str | None,
        Field(description="of what is stored now; null for a file that lies elsewhere"),
    ]
    time_issue: Annotated[
        TimeIssue | None,
        Field(
            description="why the time is absent or may be wrong; null when it is sound"
        ),
    ]
    time_issue_message: Annotated[
        str | None, Field(description="the same for people, with what to do")
    ]
    time_override: Annotated[
        datetime | None,
        Field(
            description="the time that a person gave; it goes before the file's; null for none"
        ),
    ]
    time_source: Annotated[TimeSource, Field(description="where the time comes from")]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]
    visibility: Annotated[Visibility, Field(description="who may see the pictures")]
    width: Annotated[
        int | None, Field(description="width of the upright picture in pixels, from 1")
    ]


class ResourceReply(ContractModel):
    """
    A photo or video; `recorded_at` is the camera's wall clock without zone, `captured_at` the moment to sort by.

    `captured_at` follows from the offset in the file, else from the time zone of the deployment's location, and from
    `time_override` before both. `time_issue` says why it is absent or may be wrong by an hour; `outside_deployment`
    that it lies outside of the deployment's period.
    """

    capture_method: Annotated[
        CaptureMethod | None,
        Field(description="null when it is not known: taken as activityDetection"),
    ]
    captured_at: Annotated[
        datetime | None,
        Field(
            description="the moment of the capture in UTC; null when it is not known"
        ),
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    deployment_id: Annotated[str | None, Field(description="id of the deployment")]
    external_id: Annotated[
        str | None, Field(description="of the system that it was imported from")
    ]
    failure_code: Annotated[
        FailureCode | None,
        Field(
            description="why the file cannot be read, for programs; null when it can"
        ),
    ]
    failure_message: Annotated[
        str | None,
        Field(
            description="why the file cannot be read, in one sentence; null when it can"
        ),
    ]
    file_name: Annotated[
        str,
        Field(description="name of the file as it was uploaded, without its folder"),
    ]
    file_path: Annotated[
        str,
        Field(description="path of the first upload, relative to the uploaded folder"),
    ]
    height: Annotated[
        int | None, Field(description="height of the upright picture in pixels, from 1")
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_active: Annotated[
        bool, Field(description="false for what is archived, paused or switched off")
    ]
    is_damaged: Annotated[
        bool, Field(description="whether part of the picture is lost")
    ]
    kind: Annotated[
        ResourceKind,
        Field(
            description="image, video, audio, or unknown before the bytes are decoded"
        ),
    ]
    media_type: Annotated[
        str, Field(description="media type of the file, such as image/jpeg")
    ]
    offset_source: Annotated[
        OffsetSource, Field(description="where the offset from UTC comes from")
    ]
    outside_deployment: Annotated[
        bool, Field(description="captured outside of the deployment's period")
    ]
    privacy_state: Annotated[
        PrivacyState, Field(description="whether the picture was checked for people")
    ]
    recorded_at: Annotated[
        datetime | None,
        Field(
            description="the camera's wall clock, without an offset; null when the file says none"
        ),
    ]
    recorded_offset_seconds: Annotated[
        int | None,
        Field(
            description="offset from UTC in seconds that the file says, -86,400 to 86,400; null when it says none"
        ),
    ]
    remote_url: Annotated[
        str | None,
        Field(
            description="where the file lies, when it is not stored here; null for stored files"
        ),
    ]
    research_project_id: Annotated[str, Field(description="id of the research project")]
    sha256: Annotated[
        str | None,
        Field(description="of what was uploaded; null for a file that lies elsewhere"),
    ]
    size_bytes: Annotated[
        int | None,
        Field(
            description="size of the stored file in bytes, from 0; null for a file that lies elsewhere"
        ),
    ]
    state: Annotated[
        ResourceState,
        Field(description="stored, then described or unreadable once it was read"),
    ]
    stored_sha256: Annotated[
        str | None,
        Field(description="of what is stored now; null for a file that lies elsewhere"),
    ]
    time_issue: Annotated[
        TimeIssue | None,
        Field(
            description="why the time is absent or may be wrong; null when it is sound"
        ),
    ]
    time_issue_message: Annotated[
        str | None, Field(description="the same for people, with what to do")
    ]
    time_override: Annotated[
        datetime | None,
        Field(
            description="the time that a person gave; it goes before the file's; null for none"
        ),
    ]
    time_source: Annotated[TimeSource, Field(description="where the time comes from")]
    version: Annotated[
        int,
        Field(
            description="raised by each write; send it in If-Match to change the row"
        ),
    ]
    visibility: Annotated[Visibility, Field(description="who may see the pictures")]
    width: Annotated[
        int | None, Field(description="width of the upright picture in pixels, from 1")
    ]


class RunDetail(ContractModel):
    """
    A run with its report.
    """

    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    config: Annotated[
        dict[str, object],
        Field(description="settings of the method; what is not given has its default"),
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    created_by: Annotated[
        str | None, Field(description="null when a setting of the project started it")
    ]
    done: Annotated[int, Field(description="observations that were looked at, from 0")]
    dry_run: Annotated[
        bool, Field(description="only count what would be done; nothing is made")
    ]
    ended_at: Annotated[
        datetime | None, Field(description="when it ended; null while it holds")
    ]
    error: Annotated[
        str | None,
        Field(description="the last error in one sentence; null when there is none"),
    ]
    id: Annotated[str, Field(description="that of its operation, too")]
    method: Annotated[
        MethodKey, Field(description="which kind of post-processing it is")
    ]
    report: Annotated[
        ReportReply,
        Field(description="what it changed and what it left alone, by reason"),
    ]
    scope: Annotated[
        RunScope,
        Field(
            description="what it looks at: exactly one of a project, a linked collection, sequences, an occurrence and resources"
        ),
    ]
    state: Annotated[
        OperationState, Field(description="how far the worker is with the batch")
    ]
    total: Annotated[int, Field(description="observations in scope, from 0")]
    undone_at: Annotated[
        datetime | None,
        Field(description="when its changes were taken back; null while they stand"),
    ]
    undone_by_id: Annotated[
        str | None, Field(description="the operation that undid it")
    ]


class RunReply(ContractModel):
    """
    A run, with how far its operation is.
    """

    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    config: Annotated[
        dict[str, object],
        Field(description="settings of the method; what is not given has its default"),
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    created_by: Annotated[
        str | None, Field(description="null when a setting of the project started it")
    ]
    done: Annotated[int, Field(description="observations that were looked at, from 0")]
    dry_run: Annotated[
        bool, Field(description="only count what would be done; nothing is made")
    ]
    ended_at: Annotated[
        datetime | None, Field(description="when it ended; null while it holds")
    ]
    error: Annotated[
        str | None,
        Field(description="the last error in one sentence; null when there is none"),
    ]
    id: Annotated[str, Field(description="that of its operation, too")]
    method: Annotated[
        MethodKey, Field(description="which kind of post-processing it is")
    ]
    scope: Annotated[
        RunScope,
        Field(
            description="what it looks at: exactly one of a project, a linked collection, sequences, an occurrence and resources"
        ),
    ]
    state: Annotated[
        OperationState, Field(description="how far the worker is with the batch")
    ]
    total: Annotated[int, Field(description="observations in scope, from 0")]
    undone_at: Annotated[
        datetime | None,
        Field(description="when its changes were taken back; null while they stand"),
    ]
    undone_by_id: Annotated[
        str | None, Field(description="the operation that undid it")
    ]


class RunRequest(ContractModel):
    """
    A scope and the settings of a run.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    config: Annotated[
        dict[str, object] | None,
        Field(description="settings of the method; what is not given has its default"),
    ] = None
    confirmed_rows: Annotated[
        int | None,
        Field(
            description="number of observations, needed for a whole project; a dry run tells it"
        ),
    ] = None
    dry_run: Annotated[
        bool, Field(description="run over everything, and change nothing")
    ] = False
    scope: Annotated[
        RunScope,
        Field(
            description="what it looks at: exactly one of a project, a linked collection, sequences, an occurrence and resources"
        ),
    ]


class SequenceDetail(ContractModel):
    """
    A sequence with its first 200 resources, in order; `…/resources/` lists them all.
    """

    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    deployment_id: Annotated[str, Field(description="id of the deployment")]
    external_id: Annotated[
        str | None, Field(description="of the system that it was imported from")
    ]
    first_at: Annotated[
        datetime, Field(description="time of its first capture, in UTC")
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_time_lapse: Annotated[
        bool,
        Field(
            description="time-lapse resources are chained apart from those of activity"
        ),
    ]
    last_at: Annotated[datetime, Field(description="time of its last capture, in UTC")]
    linked_collection_id: Annotated[
        str, Field(description="id of the link of a collection to a project")
    ]
    resource_count: Annotated[int, Field(description="from 1")]
    resources: Annotated[
        list[SequenceMemberReply], Field(description="number of resources, from 0")
    ]


class SequenceMemberPage(ContractModel):
    items: Annotated[
        list[SequenceMemberReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class SequencePage(ContractModel):
    items: Annotated[
        list[SequenceReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class SessionReply(ContractModel):
    csrf_token: Annotated[
        str,
        Field(
            description="repeated in X-CSRF-Token by browsers on every writing request; null for callers with a token"
        ),
    ]
    expires_in_seconds: Annotated[
        int, Field(description="seconds until it ends, counted from the request")
    ]
    user: Annotated[UserReply, Field(description="who is signed in")]


class StageAfterIngestReply(ContractModel):
    """
    What follows once all results of a job are applied: its newest run, and those before it.
    """

    attempt: Annotated[int, Field(description="how many times it was started, from 0")]
    done: Annotated[
        int, Field(description="number of resources that it is done with, from 0")
    ]
    ended_at: Annotated[
        datetime | None, Field(description="when its operation ended; null before")
    ]
    error: Annotated[str | None, Field(description="why it failed")]
    history: Annotated[
        list[StageRunReply], Field(description="earlier runs, the newest first")
    ]
    operation_id: Annotated[str, Field(description="id of the operation")]
    stage: Annotated[StageAfterIngest, Field(description="how far the job is")]
    started_at: Annotated[
        datetime | None, Field(description="when it was first started; null before")
    ]
    state: Annotated[
        OperationState, Field(description="`waiting` also between two attempts")
    ]
    total: Annotated[int, Field(description="number of resources of the job, from 1")]


class Statistics(ContractModel):
    """
    A classification project in numbers, over the linked collections that the caller may read.
    """

    days: Annotated[list[DayCounts], Field(description="earliest first")]
    deployments: Annotated[
        list[DeploymentCounts],
        Field(
            description="the ones with resources in the project, each with its effort"
        ),
    ]
    hours: Annotated[list[HourCounts], Field(description="from 0")]
    labels: Annotated[list[LabelCounts], Field(description="most resources first")]
    pending: Annotated[
        int,
        Field(
            description="changes that are not in these numbers yet, from 0; 10,000 stands for more"
        ),
    ]
    totals: Annotated[Counts, Field(description="over all resources")]
    trap_nights: Annotated[
        int,
        Field(
            description="nights of all deployments whose start and end are known, from 0"
        ),
    ]


class TaxaListPage(ContractModel):
    items: Annotated[
        list[TaxaListReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class TaxonPage(ContractModel):
    items: Annotated[
        list[TaxonReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class TokenPage(ContractModel):
    items: Annotated[
        list[TokenReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class UnresolvedLabelReply(ContractModel):
    """
    A label that should name a taxon, and names none that is known.
    """

    algorithm: Annotated[
        AlgorithmSummary, Field(description="the model that has the label")
    ]
    candidates: Annotated[
        list[CandidateTaxon], Field(description="taxa that it may mean; at most 5")
    ]
    index: Annotated[int, Field(description="position in the output, from 0")]
    label: Annotated[str, Field(description="label as the model has it")]
    reason: Annotated[
        UnresolvedReason,
        Field(
            description="`matches_now`: matching gives it its taxon; `vernacular`: only vernacular names are equal"
        ),
    ]
    scientific_name: Annotated[
        str | None,
        Field(
            description="Latin name of the taxon, with author and year where the source gives them, at most 200 characters"
        ),
    ]


class UploadReplies(ContractModel):
    """
    Files in the order of the request; the numbers are of what changed because a deployment became known.
    """

    items: Annotated[
        list[UploadReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    observations_changed: Annotated[
        int,
        Field(description="number of observations that changed because of it, from 0"),
    ]
    resources_changed: Annotated[
        int, Field(description="number of resources that changed because of it, from 0")
    ]


class UserPage(ContractModel):
    items: Annotated[
        list[UserReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class WorkerReply(ContractModel):
    """
    A worker in the fleet view.
    """

    device_load: Annotated[
        list[DeviceLoad] | None, Field(description="as of its last heartbeat")
    ] = None
    devices: Annotated[list[Device], Field(description="the devices that compute")]
    drain: Annotated[
        bool, Field(description="whether it finishes what it has and leaves")
    ] = False
    enrolled_at: Annotated[
        datetime | None, Field(description="when the machine became a worker")
    ] = None
    id: Annotated[str, Field(description="id of the row")]
    images_per_second: Annotated[
        dict[str, float],
        Field(
            description="measured images per second, by sha256 of the first model, from 0"
        ),
    ]
    leases: Annotated[int, Field(description="number of batches that it has, from 0")]
    load: Annotated[
        float | None,
        Field(description="share of the machine's processors in use, from 0"),
    ] = None
    losses: Annotated[
        dict[str, int] | None,
        Field(description="batches it did not finish, by the way that happened"),
    ] = None
    models_on_disk: Annotated[
        int, Field(description="number of models on its disk, from 0")
    ] = 0
    name: Annotated[str, Field(description="what the fleet calls the machine")]
    offline: Annotated[
        bool, Field(description="whether it may lease batches for days")
    ] = False
    paused: Annotated[bool, Field(description="whether it takes no new work")] = False
    project: Annotated[
        str, Field(description="the only project it works for; empty: all")
    ] = ""
    revoked_at: Annotated[
        datetime | None,
        Field(description="when it was taken back; null while it holds"),
    ] = None
    runtimes: Annotated[
        list[str], Field(description="what can run the models, such as `onnx-cpu`")
    ]
    seen_at: Annotated[
        datetime | None,
        Field(description="when it last called; null before its first heartbeat"),
    ]
    state: Annotated[
        WorkerState,
        Field(description="whether it is alive, silent, paused, draining or revoked"),
    ]
    version: Annotated[
        str, Field(description="which release of it, at most 40 characters")
    ]


class AlgorithmDetail(ContractModel):
    """
    An algorithm with its first 200 labels in index order; `labels/` lists all of them.
    """

    created_at: Annotated[datetime, Field(description="when it was made")]
    derived_from: Annotated[
        AlgorithmSummary | None,
        Field(description="the one whose predictions it starts from; null for a model"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    key: Annotated[
        str, Field(description="unique, of the kind, name, version and weights")
    ]
    kind: Annotated[
        AlgorithmKind,
        Field(
            description="what the model computes: detections, classes, features, depth or poses"
        ),
    ]
    label_count: Annotated[int, Field(description="number of labels, from 0")]
    labels: Annotated[
        list[LabelReply], Field(description="what each index of the output means")
    ]
    name: Annotated[str, Field(description="what people call it")]
    parameters: Annotated[
        dict[str, object],
        Field(
            description="what makes it different from the algorithm that it is derived from"
        ),
    ]
    sha256: Annotated[
        str | None,
        Field(
            description="of the weights; null for algorithms that compute from predictions"
        ),
    ]
    version: Annotated[
        str, Field(description="which release of it, at most 40 characters")
    ]


class AlgorithmPage(ContractModel):
    items: Annotated[
        list[AlgorithmReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class ClassificationChange(ContractModel):
    """
    What is given replaces what the row says: all its attributes, all its observations.
    """

    dynamic_attrs: Annotated[
        list[ObservationChange] | None,
        Field(
            description="the observations: one for each object, group, or statement about the whole resource"
        ),
    ] = None
    static_attributes: Annotated[
        dict[str, object] | None,
        Field(
            description="attributes of the whole resource that the project defined, by name"
        ),
    ] = None


class ClassificationPage(ContractModel):
    items: Annotated[
        list[ClassificationReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class ClassificationProjectPage(ContractModel):
    items: Annotated[
        list[ClassificationProjectReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class CollectionLinkPage(ContractModel):
    items: Annotated[
        list[CollectionLinkReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class CollectionPage(ContractModel):
    items: Annotated[
        list[CollectionReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class InvitationPage(ContractModel):
    items: Annotated[
        list[InvitationReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class JobReply(ContractModel):
    """
    One job; counts of an open one are counted now, those of a closed one were written when it closed.
    """

    after_ingest: Annotated[
        list[StageAfterIngestReply],
        Field(description="what followed its results; none before it finished"),
    ]
    blank: Annotated[
        int, Field(description="number of resources without anything in them, from 0")
    ]
    blocked: Annotated[
        Blocked | None,
        Field(
            description="why the job waits for a person; null when nothing is in the way"
        ),
    ]
    cancelled: Annotated[
        int, Field(description="number of resources of a cancelled job, from 0")
    ]
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    closed_at: Annotated[
        datetime | None, Field(description="when it ended; null while it is open")
    ]
    connection_id: Annotated[
        str, Field(description="the Manager that offers or runs it")
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    created_by: Annotated[
        str | None,
        Field(description="the person who asked for it; null for the system"),
    ]
    done: Annotated[
        int, Field(description="number of resources that were looked at, from 0")
    ]
    error: Annotated[
        str | None,
        Field(description="the last error in one sentence; null when there is none"),
    ]
    eta_seconds: Annotated[
        float | None,
        Field(
            description="estimated seconds until the job ends, from 0; null while unknown"
        ),
    ]
    failed: Annotated[
        int,
        Field(description="number of resources that could not be processed, from 0"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    images_per_second: Annotated[
        float | None,
        Field(
            description="measured speed in images per second, from 0; null while unknown"
        ),
    ]
    interactive: Annotated[
        bool,
        Field(description="whether a person waits for it: it goes before other jobs"),
    ]
    job_config: Annotated[
        FrozenJobConfig,
        Field(
            description="what runs on every resource: the stages with their models and thresholds"
        ),
    ]
    job_config_version: Annotated[
        int,
        Field(
            description="the configuration that its results were parsed with, from 1"
        ),
    ]
    kind: Annotated[
        JobKind, Field(description="what the job asks for; always `detect`")
    ]
    linked_collection_id: Annotated[
        str, Field(description="id of the link of a collection to a project")
    ]
    models_key: Annotated[
        str,
        Field(
            description="equal for jobs that run the same models, whatever their thresholds"
        ),
    ]
    operation_id: Annotated[
        str | None,
        Field(description="of the operation that made it, null when it was made alone"),
    ]
    pending: Annotated[
        int,
        Field(
            description="number of resources without an outcome, from 0: the rest of the total"
        ),
    ]
    progress: Annotated[
        float,
        Field(description="the part of the resources that have an outcome, 0 to 1"),
    ]
    provider: Annotated[JobProvider, Field(description="what computed or offers it")]
    stage: Annotated[JobStage, Field(description="how far the job is")]
    stages: Annotated[
        list[EnteredStage],
        Field(description="the stages that the job went through, with their times"),
    ]
    total: Annotated[int, Field(description="number of resources, from 0")]
    with_animals: Annotated[
        int, Field(description="number of resources with at least one animal, from 0")
    ]


class JobResourcePage(ContractModel):
    items: Annotated[
        list[JobResourceReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class LabelPage(ContractModel):
    items: Annotated[
        list[LabelReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class ManagerFleetReply(ContractModel):
    """
    What one connected Manager has.
    """

    connection_id: Annotated[
        str, Field(description="the Manager that offers or runs it")
    ]
    name: Annotated[str, Field(description="what people call it")]
    problem: Annotated[
        str | None,
        Field(
            description="why it could not be read, with what to do; null when it was"
        ),
    ]
    queues: Annotated[
        Queues | None,
        Field(description="what waits for its workers; null when it could not be read"),
    ]
    workers: Annotated[
        list[WorkerReply],
        Field(description="those that are enrolled, also silent and revoked ones"),
    ]


class NewClassification(ContractModel):
    """
    A person's row from nothing.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    dynamic_attrs: Annotated[
        list[ObservationInput],
        Field(
            description="the observations: one for each object, group, or statement about the whole resource"
        ),
    ]
    resource_id: Annotated[str, Field(description="id of the resource")]
    static_attributes: Annotated[
        dict[str, object] | None,
        Field(
            description="attributes of the whole resource that the project defined, by name"
        ),
    ] = None


class NewFeedback(ContractModel):
    """
    A correction of what is approved.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    dynamic_attrs: Annotated[
        list[ObservationInput],
        Field(
            description="the observations: one for each object, group, or statement about the whole resource"
        ),
    ]
    static_attributes: Annotated[
        dict[str, object] | None,
        Field(
            description="attributes of the whole resource that the project defined, by name"
        ),
    ] = None


class NewJobReply(ContractModel):
    """
    How many resources are taken, or would be; neither job nor operation when there are none, or on a dry run.
    """

    job: Annotated[
        JobReply | None, Field(description="the job; null when none was made")
    ]
    operation_id: Annotated[
        str | None,
        Field(
            description="of the operation that makes several jobs, when one is not enough"
        ),
    ]
    resources: Annotated[int, Field(description="number of resources, from 0")]


class ObservationProvenance(ContractModel):
    """
    Everything that was said about one object, from what models said to what people made of it.
    """

    items: Annotated[
        list[ProvenanceStep],
        Field(description="each after the step that it was made from"),
    ]
    observation_id: Annotated[str, Field(description="id of the observation")]


class ObservationReply(ContractModel):
    """
    One object, group, or whole-resource statement; `bbox` is x, y, width, height of the upright picture.
    """

    bbox: Annotated[
        list[float] | None,
        Field(
            description="x, y, width and height of the box as fractions 0 to 1 of the upright picture; null without a box"
        ),
    ]
    behaviour: Annotated[
        str | None, Field(description="what the animal does, at most 200 characters")
    ]
    captured_at: Annotated[
        datetime | None,
        Field(
            description="the moment of the capture in UTC; null when it is not known"
        ),
    ]
    classification_confidence: Annotated[
        float | None,
        Field(
            description="how sure the species model was, 0 to 1; null where no species model was used"
        ),
    ]
    classification_id: Annotated[str, Field(description="id of the classification")]
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    classification_type: Annotated[
        ClassificationType,
        Field(description="who made the classification that it belongs to"),
    ]
    copied_from_id: Annotated[
        str | None,
        Field(
            description="the observation that it was copied from; null for an original"
        ),
    ]
    count: Annotated[
        int | None,
        Field(
            description="number of individuals, 1 to 1,000,000; null for one object with a box"
        ),
    ]
    custom_attributes: Annotated[
        dict[str, object],
        Field(description="attributes that the project defined, by name"),
    ]
    deployment_id: Annotated[str | None, Field(description="id of the deployment")]
    detection_confidence: Annotated[
        float | None,
        Field(
            description="how sure the detector was, 0 to 1; null for a person's own box"
        ),
    ]
    distance_m: Annotated[
        float | None,
        Field(
            description="distance to the camera in metres, from 0; null when it was not measured"
        ),
    ]
    external_id: Annotated[
        str | None, Field(description="of the system that it was imported from")
    ]
    first_frame_index: Annotated[
        int | None,
        Field(description="source frame of the box, from 0; null without a box"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    individual_id: Annotated[
        str | None,
        Field(
            description="name of the individual, at most 200 characters; null when it is not known"
        ),
    ]
    is_current: Annotated[
        bool, Field(description="false when a newer AI run superseded it")
    ]
    label: Annotated[str | None, Field(description="label as the model has it")]
    life_stage: Annotated[
        LifeStage | None,
        Field(description="age of the animal; null when it is not known"),
    ]
    linked_collection_id: Annotated[
        str | None, Field(description="id of the link of a collection to a project")
    ]
    matched_to_id: Annotated[
        str | None,
        Field(description="the observation of another run that is the same object"),
    ]
    observation_level: Annotated[
        ObservationLevel,
        Field(description="one object with a box, or a group that is counted"),
    ]
    observation_type: Annotated[ObservationType, Field(description="what was seen")]
    occurrence_id: Annotated[
        str | None,
        Field(
            description="the individual that it is of; null for groups and whole resources"
        ),
    ]
    predictions: Annotated[
        list[PredictionReply] | None,
        Field(description="what algorithms predicted for it; null in lists"),
    ] = None
    resource_id: Annotated[str, Field(description="id of the resource")]
    scientific_name: Annotated[
        str | None,
        Field(
            description="Latin name of the taxon, with author and year where the source gives them, at most 200 characters"
        ),
    ]
    sex: Annotated[
        Sex | None, Field(description="sex of the animal; null when it is not known")
    ]
    tags: Annotated[list[str], Field(description="short words to find it by")]
    taxon_id: Annotated[str | None, Field(description="id of the taxon")]
    terminal_prediction: Annotated[
        TerminalPrediction | None,
        Field(
            description="the prediction that counts; null for what a person said, and for blank"
        ),
    ] = None


class OccurrenceDetail(ContractModel):
    """
    An occurrence with every identification, and its first 200 observations with the predictions behind them.
    """

    best_observation_id: Annotated[
        str, Field(description="the observation that its model was most sure of")
    ]
    best_resource_id: Annotated[
        str,
        Field(
            description="the resource of that observation, as a picture of the occurrence"
        ),
    ]
    chain: Annotated[
        list[ProvenanceStep],
        Field(
            description="what the determination comes from, each after the step that it was made from; of an identification what the person agreed with, empty when that is nothing"
        ),
    ]
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    deployment_id: Annotated[str | None, Field(description="id of the deployment")]
    determination: Annotated[
        DeterminationReply | None, Field(description="null when nothing names a taxon")
    ]
    duration_seconds: Annotated[
        float | None,
        Field(
            description="seconds from the first to the last appearance, from 0; null without times"
        ),
    ]
    first_at: Annotated[
        datetime | None, Field(description="first appearance; null without a time")
    ]
    id: Annotated[str, Field(description="id of the row")]
    identifications: Annotated[
        list[IdentificationReply],
        Field(description="oldest first, also those that ended"),
    ]
    is_identified: Annotated[
        bool, Field(description="whether an identification of a person stands")
    ]
    is_unmatched: Annotated[
        bool, Field(description="identified, and the newest AI run saw nothing there")
    ]
    last_at: Annotated[
        datetime | None, Field(description="last appearance; null without a time")
    ]
    linked_collection_id: Annotated[
        str | None, Field(description="id of the link of a collection to a project")
    ]
    observation_count: Annotated[
        int, Field(description="current AI and approved observations, from 1")
    ]
    observation_type: Annotated[ObservationType, Field(description="what was seen")]
    observations: Annotated[
        list[ObservationReply],
        Field(description="in order of time, also superseded ones and copies"),
    ]
    resource_count: Annotated[
        int, Field(description="resources with one of its observations, from 1")
    ]
    sequence_id: Annotated[
        str | None, Field(description="null while its resource is in no sequence")
    ]


class OccurrencePage(ContractModel):
    items: Annotated[
        list[OccurrenceReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class OperationPage(ContractModel):
    items: Annotated[
        list[OperationReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class PackReply(ContractModel):
    """
    What became of each file, in the order of the pack.
    """

    items: Annotated[
        list[PackedFileReply],
        Field(description="the rows, in the order that the list promises"),
    ]


class PathPage(ContractModel):
    items: Annotated[
        list[PathReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class ResearchProjectPage(ContractModel):
    items: Annotated[
        list[ResearchProjectReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class ResourcePage(ContractModel):
    items: Annotated[
        list[ResourceReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class RunPage(ContractModel):
    items: Annotated[
        list[RunReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class SimilarObservation(ContractModel):
    """
    An object with its distance to the given one.
    """

    distance: Annotated[
        float,
        Field(
            description="cosine distance of the features, from 0 (the same direction) to 2 (opposite)"
        ),
    ]
    observation: Annotated[ObservationReply, Field(description="the look-alike object")]


class SimilarObservations(ContractModel):
    """
    The most similar objects first; there are no further pages.
    """

    algorithm_id: Annotated[
        str, Field(description="the algorithm whose features were compared")
    ]
    is_exact: Annotated[
        bool,
        Field(
            description="whether every object was compared; else an index finds most of the nearest"
        ),
    ]
    items: Annotated[
        list[SimilarObservation],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[None, Field(description="always null")] = None


class UnresolvedLabelPage(ContractModel):
    items: Annotated[
        list[UnresolvedLabelReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class ClassificationDetail(ContractModel):
    """
    With what it says; a final row says what the row says that it points to.
    """

    approved_at: Annotated[
        datetime | None, Field(description="when it was approved; null when it is not")
    ]
    approved_by_id: Annotated[
        str | None, Field(description="the person who approved it")
    ]
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    dynamic_attrs: Annotated[
        list[ObservationReply],
        Field(
            description="the observations: one for each object, group, or statement about the whole resource"
        ),
    ]
    edited_by_id: Annotated[
        str | None,
        Field(
            description="who wrote what the row says now, when that is not its owner's first"
        ),
    ]
    final_classification_id: Annotated[
        str | None,
        Field(
            description="the final row of the same resource and project; null for the final row itself"
        ),
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_approved: Annotated[
        bool, Field(description="whether it is the accepted answer for the resource")
    ]
    is_current: Annotated[
        bool, Field(description="false when a newer AI run superseded it")
    ]
    job_config_version: Annotated[
        int | None,
        Field(
            description="the configuration that its results were parsed with, from 1"
        ),
    ]
    job_id: Annotated[str | None, Field(description="id of the job")]
    linked_collection_id: Annotated[
        str | None, Field(description="id of the link of a collection to a project")
    ]
    locked_at: Annotated[
        datetime | None,
        Field(
            description="when it was first approved: from then on it never changes; null before"
        ),
    ]
    owner_id: Annotated[
        str | None, Field(description="the person who made it; null for rows of the AI")
    ]
    provider_id: Annotated[
        str | None,
        Field(description="id of the provider: a model version that a Manager offers"),
    ]
    resource_id: Annotated[str, Field(description="id of the resource")]
    source_classification_id: Annotated[
        str | None,
        Field(
            description="the row that it was made from, or that the final row points to"
        ),
    ]
    static_attributes: Annotated[
        dict[str, object],
        Field(
            description="attributes of the whole resource that the project defined, by name"
        ),
    ]
    superseded_by_id: Annotated[
        str | None,
        Field(
            description="the newer AI row of the same resource and detector; null for the current one"
        ),
    ]
    type: Annotated[
        ClassificationType,
        Field(
            description="who says it: the AI, a person, a person's feedback, or the final container of what is approved"
        ),
    ]
    updated_at: Annotated[datetime, Field(description="when it was last written")]
    version: Annotated[
        int,
        Field(
            description="from 0, raised by each edit of the row and each decision about its resource; send it in If-Match"
        ),
    ]


class FleetReply(ContractModel):
    """
    Workers and queues of every connected Manager, and the task queue of this service.
    """

    managers: Annotated[
        list[ManagerFleetReply],
        Field(description="each connected one, asked at the same time"),
    ]
    tasks: Annotated[
        TaskQueueReply | None,
        Field(
            description="null when sweeps do all the work, or Valkey does not answer"
        ),
    ]


class FormerVersion(ContractModel):
    """
    What a person's row was before an edit, and who wrote it.
    """

    author_id: Annotated[
        str | None,
        Field(description="the person who wrote this version; null for the system"),
    ]
    dynamic_attrs: Annotated[
        list[ObservationReply],
        Field(
            description="the observations: one for each object, group, or statement about the whole resource"
        ),
    ]
    static_attributes: Annotated[
        dict[str, object],
        Field(
            description="attributes of the whole resource that the project defined, by name"
        ),
    ]
    version: Annotated[int, Field(description="the row's version then, from 0")]
    written_at: Annotated[datetime, Field(description="when this version was written")]


class HistoryItem(ContractModel):
    """
    A row in the history of a resource, with what was made from it and what it was before.
    """

    approvals: Annotated[
        list[ApprovalReply],
        Field(description="every approval that this row ever had, oldest first"),
    ]
    approved_at: Annotated[
        datetime | None, Field(description="when it was approved; null when it is not")
    ]
    approved_by_id: Annotated[
        str | None, Field(description="the person who approved it")
    ]
    classification_project_id: Annotated[
        str, Field(description="id of the classification project")
    ]
    created_at: Annotated[datetime, Field(description="when it was made")]
    derived_classifications: Annotated[
        list[str], Field(description="ids of the rows that were made from this one")
    ]
    dynamic_attrs: Annotated[
        list[ObservationReply],
        Field(
            description="the observations: one for each object, group, or statement about the whole resource"
        ),
    ]
    edited_by_id: Annotated[
        str | None,
        Field(
            description="who wrote what the row says now, when that is not its owner's first"
        ),
    ]
    final_classification_id: Annotated[
        str | None,
        Field(
            description="the final row of the same resource and project; null for the final row itself"
        ),
    ]
    former_versions: Annotated[
        list[FormerVersion],
        Field(description="oldest first; the row itself is the newest version"),
    ]
    id: Annotated[str, Field(description="id of the row")]
    is_approved: Annotated[
        bool, Field(description="whether it is the accepted answer for the resource")
    ]
    is_current: Annotated[
        bool, Field(description="false when a newer AI run superseded it")
    ]
    job_config_version: Annotated[
        int | None,
        Field(
            description="the configuration that its results were parsed with, from 1"
        ),
    ]
    job_id: Annotated[str | None, Field(description="id of the job")]
    linked_collection_id: Annotated[
        str | None, Field(description="id of the link of a collection to a project")
    ]
    locked_at: Annotated[
        datetime | None,
        Field(
            description="when it was first approved: from then on it never changes; null before"
        ),
    ]
    owner_id: Annotated[
        str | None, Field(description="the person who made it; null for rows of the AI")
    ]
    provider_id: Annotated[
        str | None,
        Field(description="id of the provider: a model version that a Manager offers"),
    ]
    resource_id: Annotated[str, Field(description="id of the resource")]
    source_classification_id: Annotated[
        str | None,
        Field(
            description="the row that it was made from, or that the final row points to"
        ),
    ]
    static_attributes: Annotated[
        dict[str, object],
        Field(
            description="attributes of the whole resource that the project defined, by name"
        ),
    ]
    superseded_by_id: Annotated[
        str | None,
        Field(
            description="the newer AI row of the same resource and detector; null for the current one"
        ),
    ]
    type: Annotated[
        ClassificationType,
        Field(
            description="who says it: the AI, a person, a person's feedback, or the final container of what is approved"
        ),
    ]
    updated_at: Annotated[datetime, Field(description="when it was last written")]
    version: Annotated[
        int,
        Field(
            description="from 0, raised by each edit of the row and each decision about its resource; send it in If-Match"
        ),
    ]


class JobPage(ContractModel):
    items: Annotated[
        list[JobReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class ObservationPage(ContractModel):
    items: Annotated[
        list[ObservationReply],
        Field(description="the rows, in the order that the list promises"),
    ]
    next_cursor: Annotated[
        str | None, Field(description="`cursor` of the next page; null on the last one")
    ]


class History(ContractModel):
    """
    Every row of a resource in a project, oldest first.
    """

    child_classifications: Annotated[
        list[HistoryItem],
        Field(description="every row beside the final one, oldest first"),
    ]
    final: Annotated[
        ClassificationReply | None,
        Field(
            description="the container that points to what is approved; null when nobody classified the resource"
        ),
    ]
