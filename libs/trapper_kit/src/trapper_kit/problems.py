"""Problems (RFC 9457) as exceptions: a stable type, a title, a status; without a web framework."""

from typing import Any, ClassVar

from trapper_schemas.problem import FieldError, ProblemBody

REGISTRY: dict[str, type["Problem"]] = {}
"""Every problem type by its name; types are unique, docs/problems.md is generated from it."""


class Problem(Exception):  # noqa: N818 - named after what is the case
    """The base of every problem; extras are named JSON members of the body."""

    type: ClassVar[str] = "problem"
    title: ClassVar[str] = "The request was refused"
    status: ClassVar[int] = 400

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "type" not in cls.__dict__:
            return
        registered = REGISTRY.get(cls.type)
        if registered is not None and registered.__qualname__ != cls.__qualname__:
            raise TypeError(f"problem type {cls.type} is taken by {registered.__qualname__}")
        REGISTRY[cls.type] = cls

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: list[FieldError] | None = None,
        retry_after: float | None = None,
        **extras: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after
        self.extras = extras

    def body(self, instance: str | None) -> ProblemBody:
        """Returns the body of the reply."""
        return ProblemBody(
            type=self.type,
            title=self.title,
            status=self.status,
            detail=self.detail,
            instance=instance,
            errors=self.errors,
            **self.extras,
        )


class Malformed(Problem):
    type = "malformed"
    title = "The request cannot be read"
    status = 400


class Unauthenticated(Problem):
    type = "unauthenticated"
    title = "Nobody is signed in, or the credential is not valid"
    status = 401


class Forbidden(Problem):
    type = "forbidden"
    title = "The caller is not allowed to do this"
    status = 403


class NotFound(Problem):
    type = "not-found"
    title = "It does not exist, or the caller may not see it"
    status = 404


class MethodNotAllowed(Problem):
    type = "method-not-allowed"
    title = "This path does not support the method; the header Allow lists those that it supports"
    status = 405


class Conflict(Problem):
    type = "conflict"
    title = "The current state does not allow this"
    status = 409


class PreconditionFailed(Problem):
    """Raised with `version` and `current`, the state of the row, as extras."""

    type = "version-changed"
    title = "The row was changed since this version was read"
    status = 412


class PreconditionRequired(Problem):
    type = "if-match-required"
    title = "Send the header If-Match with the row's version, as in its ETag"
    status = 428


class TooLarge(Problem):
    type = "too-large"
    title = "The body is larger than the limit"
    status = 413


class Invalid(Problem):
    type = "invalid"
    title = "Some fields are not valid"
    status = 422

    @classmethod
    def field(cls, name: str, message: str, code: str = "invalid") -> "Invalid":
        """One field of the body."""
        return cls(message, errors=[FieldError(loc=["body", name], code=code, message=message)])


class TooManyRequests(Problem):
    type = "too-many-requests"
    title = "Too many requests"
    status = 429


class Unavailable(Problem):
    type = "unavailable"
    title = "This is not possible at the moment; try again later"
    status = 503


class Unexpected(Problem):
    type = "unexpected"
    title = "An unexpected error; the service's log has it under this instance"
    status = 500


_OWN = frozenset({"self", "detail", "errors", "retry_after"})
"""Parameters of a Problem, which members of a foreign body must not take."""


def from_body(body: ProblemBody, *, retry_after: float | None = None) -> Problem:
    """Returns the exception of this type, so that a caller can catch it; unknown types stay Problem."""
    extras = {name: value for name, value in body.extras().items() if name not in _OWN}
    cls = REGISTRY.get(body.type)
    if cls is None:
        cls = type("UnknownProblem", (Problem,), {"status": body.status, "title": body.title})
        problem = cls(body.detail, errors=body.errors, retry_after=retry_after, **extras)
        problem.__dict__["type"] = body.type
        return problem
    return cls(body.detail, errors=body.errors, retry_after=retry_after, **extras)
