"""Every list is narrowed by `id` and by a part of the name alike."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from expert.app import contract_app
from tests.support.access_table import OWNER
from tests.support.access_world import World, opened_world, parameters

NAMES = ("name", "file_name", "deployment_id", "scientific_name")
"""The fields of which `name` finds a part: of a row with several of them, the first."""


@pytest.fixture
async def world(expert_database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened_world(expert_database_url, tmp_path) as opened:
        yield opened


def _lists() -> dict[str, set[str]]:
    """The query parameters of each paged list, by its path."""
    document = contract_app().openapi()
    queries = {
        path: {each["name"] for each in methods["get"].get("parameters", ()) if each["in"] == "query"}
        for path, methods in document["paths"].items()
        if "get" in methods
    }
    return {path: names for path, names in queries.items() if "cursor" in names}


def _filled(template: str, world: World) -> str:
    ids = {name: world.ids.get(name) for name in parameters(template)}
    if "project_id" in ids:
        ids["project_id"] = world.ids[
            "research_project" if "research-projects" in template else "classification_project"
        ]
    return template.format(**ids)


async def _rows(client: httpx.AsyncClient, path: str, **filters: object) -> list[dict[str, Any]]:
    answer = await client.get(path, params={name: str(value) for name, value in filters.items()})
    assert answer.status_code == 200, f"{path} {filters}: {answer.text}"
    return answer.json()["items"]


async def test_every_list_finds_rows_by_their_id_and_by_a_part_of_their_name(world: World) -> None:
    with_names: set[str] = set()
    for template, filters in _lists().items():
        for_admins = template.startswith(("/api/users/", "/api/audit/", "/api/ai-provider-connections/"))
        client = world.clients["site admin" if for_admins else OWNER.name]
        path = _filled(template, world)
        rows = await _rows(client, path)
        for row in rows[:3]:
            if "id" not in row:
                continue
            assert [found["id"] for found in await _rows(client, path, id=row["id"])] == [row["id"]], path
            field = next((name for name in NAMES if row.get(name)), None)
            if field is not None and "name" in filters:
                with_names.add(path)
                part = row[field][1:] or row[field]
                assert row["id"] in {found["id"] for found in await _rows(client, path, name=part.swapcase())}, path
                assert await _rows(client, path, name=f"{part}%") == [], path
    assert len(with_names) >= 8, with_names
