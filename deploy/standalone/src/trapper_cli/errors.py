"""What can go wrong with the standalone stack, as sentences for a person."""

from trapper_client.errors import Failure


class StackError(Failure):
    """A plain sentence that names the item, and what to do about it when there is something to do."""
