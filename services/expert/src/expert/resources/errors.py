"""Refusals about resources and their media."""

from trapper_kit.problems import Problem


class ResourceUnknown(Problem):
    type = "resource-unknown"
    title = "There is no such resource, or none that this caller may see"
    status = 404


class MediaGated(Problem):
    type = "media-gated"
    title = "The picture is withheld until people in it are blurred"
    status = 403


class MediaRemote(Problem):
    type = "media-remote"
    title = "The file of this resource lies elsewhere; only its address is known here"
    status = 409


class ThumbnailAbsent(Problem):
    type = "thumbnail-absent"
    title = "This resource has no thumbnail, or none yet"
    status = 404
