"""Problems that access raises beyond those of the kit."""

from trapper_kit.problems import Forbidden, Invalid, Malformed, Problem, Unauthenticated


class ProtocolNotServed(Problem):
    type = "protocol-not-served"
    title = "This protocol version is not served here"
    status = 400


EVERYWHERE = (Malformed, ProtocolNotServed, Unauthenticated, Forbidden, Invalid)
"""What every call may be answered with."""
