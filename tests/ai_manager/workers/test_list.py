"""Workers are listed by their ids and by a part of their names."""

from ai_manager.access.state import Scope
from tests.support.make.ai_manager import Manager


async def test_workers_are_found_by_id_and_by_a_part_of_the_name(manager: Manager) -> None:
    operator = await manager.token(Scope.OPERATE, name="operator")
    ids = [str((await manager.worker()).id) for _ in range(3)]

    async def listed(**filters: str | list[str]) -> list[str]:
        answer = await manager.http.get("/api/workers/", params=filters, headers=operator)
        assert answer.status_code == 200, answer.text
        return [worker["id"] for worker in answer.json()["items"]]

    assert await listed() == ids
    assert await listed(id=ids[1]) == ids[1:2]
    assert await listed(id=ids[:2]) == ids[:2]
    name = (await manager.http.get(f"/api/workers/{ids[0]}/", headers=operator)).json()["name"]
    assert ids[0] in await listed(name=name[1:].upper())
    assert await listed(name=f"{name}%") == []
