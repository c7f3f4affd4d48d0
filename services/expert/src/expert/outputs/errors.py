"""Refusals about features and embeddings."""

from trapper_kit.problems import Problem


class VectorsMissing(Problem):
    type = "vectors-missing"
    title = "The database cannot store vectors; install pgvector 0.8 or newer and run the migrations"
    status = 503


class NoEmbeddingModel(Problem):
    type = "no-embedding-model"
    title = "The project has no embedding model; set embedding_ai_model to a model that gives features"
    status = 409


class DimensionDiffers(Problem):
    type = "dimension-differs"
    title = "The features have another dimension than those that are stored of this model"
    status = 409
