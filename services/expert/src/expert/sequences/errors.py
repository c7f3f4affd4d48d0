"""Refusals about sequences."""

from trapper_kit.problems import Invalid


class SequencesApart(Invalid):
    type = "sequences-apart"
    title = "These sequences cannot become one"
