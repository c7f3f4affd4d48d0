"""Refusals about locations."""

from trapper_kit.problems import Problem


class LocationIdTaken(Problem):
    type = "location-id-taken"
    title = "There is already a location with this location id in the research project"
    status = 409
