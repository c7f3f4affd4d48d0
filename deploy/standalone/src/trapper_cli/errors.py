"""What can go wrong with the standalone stack, as sentences for a person."""


class StackError(Exception):
    """A plain sentence that names the item, and what to do about it when there is something to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()
