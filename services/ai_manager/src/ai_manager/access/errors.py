"""What access refuses beyond the kit's own problems."""

from trapper_kit.problems import Problem


class ProtocolNotServed(Problem):
    type = "protocol-not-served"
    title = "This protocol version is not served here"
    status = 400
