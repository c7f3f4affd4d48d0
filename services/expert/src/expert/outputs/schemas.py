"""Bodies about embeddings."""

from uuid import UUID

from trapper_schemas.base import Reply, Request


class EmbeddingBackfill(Request):
    """Nothing has to be said: the embedding model is the project's."""


class StartedBackfill(Reply):
    """The operation that stores features of kept results as embeddings."""

    operation_id: UUID
