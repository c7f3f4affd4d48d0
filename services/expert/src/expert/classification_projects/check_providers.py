"""A project may choose an active provider of the right type, and says plainly why another one does not fit."""

from collections.abc import Mapping
from uuid import UUID

from expert.classification_projects.errors import ProviderUnfit
from expert.providers import queries as providers
from trapper_kit.db import Session
from trapper_schemas.problem import FieldError
from trapper_schemas.v1.models import ModelKind

TYPES: Mapping[str, frozenset[ModelKind]] = {
    "object_detection_ai_model": frozenset({ModelKind.DETECTION}),
    "species_ai_model": frozenset({ModelKind.CLASSIFICATION}),
    "embedding_ai_model": frozenset({ModelKind.EMBEDDING, ModelKind.CLASSIFICATION}),
}
"""A classifier that also gives features can be chosen for them."""
REFERENCES = frozenset({*TYPES, "taxa_list"})
"""Fields that are stored as ids of rows."""


async def check_providers(db: Session, chosen: Mapping[str, UUID | None]) -> None:
    """Raises ProviderUnfit, naming each field."""
    provider_ids = {field: provider_id for field, provider_id in chosen.items() if provider_id is not None}
    known = await providers.by_ids(db, set(provider_ids.values())) if provider_ids else {}
    errors: list[FieldError] = []
    for field, provider_id in provider_ids.items():
        provider = known.get(provider_id)
        if provider is None:
            message = "there is no such provider"
        elif provider.provider_type not in TYPES[field]:
            message = f"{provider.name} is a {provider.provider_type.value} model"
        elif field == "embedding_ai_model" and provider.embedding_dimension is None:
            message = f"{provider.name} gives no features"
        elif not provider.is_active:
            message = f"{provider.name} is not active ({provider.availability})"
        else:
            continue
        errors.append(FieldError(loc=["body", field], code="provider-unfit", message=message))
    if errors:
        raise ProviderUnfit("; ".join(error.message for error in errors), errors=errors)
