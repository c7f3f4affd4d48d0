"""The scopes of a token, as data."""

from enum import StrEnum


class Scope(StrEnum):
    """What a token allows; `work` is given by enrolment only."""

    JOBS = "jobs"
    PUBLISH = "models:write"
    OPERATE = "operate"
    WORK = "work"


GRANTABLE = (Scope.JOBS, Scope.PUBLISH, Scope.OPERATE)
