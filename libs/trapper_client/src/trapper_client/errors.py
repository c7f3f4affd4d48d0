"""Failures of a command, each one plain sentence with an exit code: 1 for failure, 2 for wrong usage."""

from trapper_schemas.problem import ProblemBody


class Failure(Exception):  # noqa: N818 - named after what is the case
    """A sentence for a person, and what to do about it when there is something to do."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class WrongUsage(Failure):
    """The command was called with something that can never work: a folder that is missing, an unknown name."""

    exit_code = 2


class Unreachable(Failure):
    """Nothing answers at the address, or something that is not one of the services."""


class ApiProblem(Failure):
    """A refusal by a service (RFC 9457): `type` is stable, the sentence is made of title, detail and fields."""

    def __init__(self, body: ProblemBody) -> None:
        super().__init__(sentence(body))
        self.type = body.type
        self.status = body.status
        self.body = body


_PLACES = {"body", "path", "query", "header"}


def sentence(body: ProblemBody) -> str:
    """One sentence out of a refusal: what was refused, why, and which fields."""
    fields = [
        f"{'.'.join(str(part) for part in error.loc if part not in _PLACES) or 'body'}: {error.message}"
        for error in body.errors or []
        if error.message != body.detail
    ]
    why = "; ".join(fields) or body.detail
    text = body.title if not why or why == body.title else f"{body.title}: {why}"
    return text if text.endswith((".", "!", "?")) else f"{text}."
