"""Observations repeat time and deployment of their resource, whatever is corrected afterwards."""

from tests.support.make.expert import changed, made
from tests.support.make.expert_ai import Scene

_SET = """
    with taken as (update resources set recorded_at = '2023-07-01 12:00', captured_at = '2023-07-01 12:00Z',
      time_source = 'exif' where id = :id returning id)
    update observations set captured_at = '2023-07-01 12:00Z' where resource_id in (select id from taken)"""


async def test_observations_follow_deployment_location_and_a_persons_time(seen: Scene):
    resource_id = seen.resource_ids[0]
    await seen.sql(_SET, id=resource_id)
    base = {"research_project_id": str(seen.research_project_id)}
    path = f"/api/resources/{resource_id}/"
    async with seen.as_("owner") as client:
        place = await made(client, "/api/locations/", {**base, "location_id": "L", "time_zone": "Europe/Warsaw"})
        camera = await made(client, "/api/deployments/", {**base, "deployment_id": "D", "location_id": place["id"]})
        rows = await seen.sql("select count(*) from observations where resource_id = :id", id=resource_id)
        answer = (await changed(client, path, {"deployment_id": camera["id"]})).json()
        assert (answer["captured_at"], answer["observations_changed"]) == ("2023-07-01T10:00:00Z", rows[0][0])
        assert rows[0][0] > 0
        assert await seen.broken() == {}
        answer = (await changed(client, f"/api/locations/{place['id']}/", {"time_zone": "Asia/Tokyo"})).json()
        assert (answer["resources_changed"], answer["observations_changed"]) == (1, rows[0][0])
        assert await seen.broken() == {}
        answer = (await changed(client, path, {"time_override": "2024-01-01T00:00:00Z"})).json()
        assert answer["observations_changed"] == rows[0][0]
        assert await seen.broken() == {}
        untimed = f"/api/resources/{seen.resource_ids[1]}/"
        answer = (await changed(client, untimed, {"deployment_id": camera["id"]})).json()
        assert (answer["captured_at"], answer["observations_changed"] > 0) == (None, True)
        listed = await client.get("/api/observations/", params={"classification_project_id": str(seen.project_id)})
        assert listed.status_code == 200
