"""Sums as the statistics of a project. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from expert.statistics.queries import Cell, Effort
from expert.statistics.state import COUNTERS, Facet, Source


def summarise(cells: Sequence[Cell], efforts: Mapping[UUID, Effort], names: Mapping[UUID, str]) -> dict[str, object]:
    """The values of a statistics reply, without `pending`."""
    by_facet = {facet: [cell for cell in cells if cell.facet == facet] for facet in Facet}
    nights = (effort.trap_nights for effort in efforts.values())
    return {
        "totals": _counts(by_facet[Facet.DEPLOYMENT]),
        "trap_nights": sum(number for number in nights if number is not None),
        "labels": _labels(by_facet[Facet.LABEL], names),
        "days": [_counts([cell]) | {"day": cell.local_day} for cell in by_facet[Facet.DAY]],
        "hours": [_counts([cell]) | {"hour": cell.local_hour} for cell in by_facet[Facet.HOUR]],
        "deployments": [_counts([cell]) | _effort(cell.deployment_id, efforts) for cell in by_facet[Facet.DEPLOYMENT]],
    }


def _counts(cells: Iterable[Cell]) -> dict[str, object]:
    cells = list(cells)
    totals = {name: sum(getattr(cell, name) for cell in cells) for name in COUNTERS}
    return {**totals, "without_ai": totals["resources"] - totals["with_ai"]}


def _effort(deployment_id: UUID | None, efforts: Mapping[UUID, Effort]) -> dict[str, object]:
    effort = efforts.get(deployment_id) if deployment_id is not None else None
    return {
        "deployment_id": deployment_id,
        "name": effort and effort.deployment_id,
        "start_at": effort and effort.start_at,
        "end_at": effort and effort.end_at,
        "trap_nights": effort and effort.trap_nights,
    }


def _labels(cells: Sequence[Cell], names: Mapping[UUID, str]) -> list[dict[str, object]]:
    sources: dict[tuple[str | None, UUID | None], dict[str | None, Cell]] = {}
    for cell in cells:
        sources.setdefault((cell.observation_type, cell.taxon_id), {})[cell.source] = cell
    return [
        {
            "observation_type": observation_type,
            "taxon_id": taxon_id,
            "scientific_name": taxon_id and names.get(taxon_id),
            "by_ai": _label(by_source.get(Source.AI)),
            "approved": _label(by_source.get(Source.APPROVED)),
        }
        for (observation_type, taxon_id), by_source in sorted(
            sources.items(), key=lambda item: -max(cell.resources for cell in item[1].values())
        )
    ]


def _label(cell: Cell | None) -> dict[str, int]:
    return {"resources": cell.resources if cell else 0, "observations": cell.observations if cell else 0}
