"""Refusals about operations."""

from trapper_kit.problems import Conflict


class OperationEnded(Conflict):
    type = "operation-ended"
    title = "The operation has ended already"
