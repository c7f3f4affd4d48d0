"""Refusals about classifications."""

from trapper_kit.problems import Conflict, Forbidden, NotFound


class ClassificationNotFound(NotFound):
    type = "classification-not-found"
    title = "There is no such classification, or this caller may not see it"


class ClassificationLocked(Conflict):
    type = "classification-locked"
    title = "The classification was approved once and never changes; fork it"


class NotForkable(Conflict):
    type = "not-forkable"
    title = "A final row has no observations of its own; fork the row that it points to"


class NotEditable(Conflict):
    type = "not-editable"
    title = "Only a person's row is edited; fork this one"


class NotYours(Forbidden):
    type = "not-yours"
    title = "Only the row's owner, or a person who may approve, edits it; fork it to make a row of your own"


class NotApprovable(Conflict):
    type = "not-approvable"
    title = "Only ai and user rows are approved"


class NotApproved(Conflict):
    type = "not-approved"
    title = "Nothing is approved for this resource"


class Superseded(Conflict):
    type = "classification-superseded"
    title = "A newer AI run superseded this row; approve its successor, or send allow_superseded"


class AiRequired(Conflict):
    type = "ai-required"
    title = "The project requires the AI first, and its job has not ended for this resource"


class ResourceNotInProject(NotFound):
    type = "resource-not-in-project"
    title = "The resource is in no linked collection of this classification project"
