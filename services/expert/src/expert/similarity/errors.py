"""Refusals of the search for similar objects."""

from trapper_kit.problems import Problem


class NoEmbedding(Problem):
    type = "no-embedding"
    title = "No features of this object are stored; set the project's embedding_ai_model and run the AI again"
    status = 409
