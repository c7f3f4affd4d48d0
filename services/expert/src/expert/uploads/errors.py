"""Refusals about uploads."""

from trapper_kit.problems import Problem, TooManyRequests


class UploadUnknown(Problem):
    type = "upload-unknown"
    title = "There is no such upload of this caller"
    status = 404


class UploadExpired(Problem):
    type = "upload-expired"
    title = "No data arrived in time; announce the file again"
    status = 410


class SizeMismatch(Problem):
    type = "size-mismatch"
    title = "The body is not as long as was announced; nothing was stored"
    status = 422


class Sha256Mismatch(Problem):
    type = "sha256-mismatch"
    title = "The body does not have the sha256 that was announced; nothing was stored"
    status = 422


class PackMalformed(Problem):
    type = "pack-malformed"
    title = "The pack of files cannot be read; nothing was stored"
    status = 422


class BodyEnded(Problem):
    type = "body-ended"
    title = "The connection ended before the body did; nothing was stored"
    status = 400


class TooManyUploads(TooManyRequests):
    type = "too-many-uploads"
    title = "This account sends as many files at once as it may; send the others when these have arrived"
