"""Statements about locations."""

from sqlalchemy import ColumnElement

from expert.access.queries import readable_research_projects
from expert.access.state import Caller
from expert.locations.models import Location


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Of research projects in which the caller has a role."""
    return Location.research_project_id.in_(readable_research_projects(caller))
