"""Problems that access raises beyond those of the kit."""

from trapper_kit.problems import Problem, Unauthenticated


class ProtocolNotServed(Problem):
    type = "protocol-not-served"
    title = "This protocol version is not supported"
    status = 400


IDENTIFICATION = (Unauthenticated, ProtocolNotServed)
"""The refusals of a call whose token or protocol is not accepted."""
