"""The animals of post-processing, of which the griffin is no known taxon."""

import pytest

from expert.occurrences.queries_determine import refresh_determinations
from tests.expert.postprocessing.conftest import herd
from tests.support.make.expert_ai import Scene

__all__ = ["griffins", "herd"]


@pytest.fixture
async def griffins(herd: Scene) -> Scene:
    """The herd as it is when the label `griffin` matches no taxon."""
    await herd.sql(
        "update taxa set scientific_name = 'Nemo', canonical_name = 'Nemo', vernacular_names = '{}'"
        " where canonical_name like 'Gryps%'"
    )
    for table in ("category_labels", "predictions", "observations"):
        await herd.sql(f"update {table} set taxon_id = null where label = 'griffin'")  # noqa: S608 - constants
    rows = await herd.sql("select occurrence_id from observations where label = 'griffin'")
    async with herd.work.db() as db:
        await refresh_determinations(db, {row[0] for row in rows})
    return herd
