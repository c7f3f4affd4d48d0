"""People fork, edit, approve and take back; every rule is tried against."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from expert.access.state import ClassificationRole
from tests.support.make.expert_ai import Scene, applied, asked_again
from tests.support.make.results import column, results
from trapper_kit.db import IntegrityError
from trapper_schemas.ids import uuid7

ROWS = "/api/media-classifications/classifications/"
FOX: dict[str, Any] = {"observation_type": "animal", "bbox": [0.1, 0.2, 0.3, 0.4]}


async def call(made: Scene, who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    async with made.as_(who) as client:
        return await client.request(method, path, json=body, headers={"Idempotency-Key": str(uuid7()), **headers})


async def post(made: Scene, row: object, verb: str, body: Any = None, *, who: str = "owner", **headers: str) -> Any:
    return await call(made, who, "POST", f"{ROWS}{row}/{verb}/", body, **headers)


async def edit(
    made: Scene, row: object, body: Any, *, who: str = "owner", version: int | None = None
) -> httpx.Response:
    """PATCH with the version that the row has now, or another one."""
    if version is None:
        version = (await call(made, "owner", "GET", f"{ROWS}{row}/")).json()["version"]
    return await call(made, who, "PATCH", f"{ROWS}{row}/", body, **{"If-Match": f'"{version}"'})


async def unapprove(made: Scene, row: object, version: int, *, who: str = "owner") -> httpx.Response:
    return await post(made, row, "unapprove", who=who, **{"If-Match": f'"{version}"'})


async def approve(made: Scene, row: object, version: int, *, who: str = "owner") -> httpx.Response:
    return await post(made, row, "approve", who=who, **{"If-Match": f'"{version}"'})


async def ai_row(made: Scene, resource: int = 0) -> str:
    found = await made.sql(
        "select id from classifications where type = 'ai' and superseded_by_id is null and resource_id = :r",
        r=made.resource_ids[resource],
    )
    return str(found[0][0])


async def user_row(made: Scene, resource: int = 0, *, who: str = "owner") -> str:
    return (await post(made, await ai_row(made, resource), "fork", who=who)).json()["id"]


async def test_a_fork_copies_what_its_source_says_and_leaves_it_alone(seen: Scene) -> None:
    source = (await call(seen, "annotator", "GET", f"{ROWS}{await ai_row(seen)}/")).json()
    answer = await post(seen, source["id"], "fork", who="annotator")
    assert answer.status_code == 201
    forked = answer.json()
    assert (forked["type"], forked["source_classification_id"]) == ("user", source["id"])
    assert forked["owner_id"] == str(seen.user_ids["annotator"])
    (copy,), (original,) = forked["dynamic_attrs"], source["dynamic_attrs"]
    assert copy["copied_from_id"] == original["id"]
    for name in ("observation_type", "taxon_id", "bbox", "detection_confidence", "classification_confidence"):
        assert copy[name] == original[name]
    assert (await call(seen, "annotator", "GET", f"{ROWS}{source['id']}/")).json() == source


async def test_the_same_fork_twice_is_one_row(seen: Scene) -> None:
    source = await ai_row(seen)
    key = {"Idempotency-Key": "once"}
    first, second = [await post(seen, source, "fork", **key) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    other = await post(seen, await ai_row(seen, 1), "fork", **key)
    assert (other.status_code, other.json()["type"]) == (422, "idempotency-key-reused")


async def test_a_final_row_is_not_forked(seen: Scene) -> None:
    ((final,),) = await seen.sql("select id from classifications where type = 'final' limit 1")
    assert (await post(seen, final, "fork")).json()["type"] == "not-forkable"


async def test_approving_points_the_final_row_and_locks_the_other_for_ever(seen: Scene) -> None:
    row = await ai_row(seen)
    answer = await approve(seen, row, 0)
    assert (answer.status_code, answer.json()["is_approved"], answer.json()["version"]) == (200, True, 1)
    ((locked, copies),) = await seen.sql(
        "select locked_at is not null, (select count(*) from classifications where type = 'user')"
        " from classifications where id = :row",
        row=UUID(row),
    )
    assert (locked, copies) == (True, 0)
    again = await approve(seen, row, 0)
    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert await seen.sql("select action from audit_entries where action = 'approved'") == [("approved",)]


async def test_without_a_version_nothing_is_decided(seen: Scene) -> None:
    answer = await post(seen, await ai_row(seen), "approve")
    assert (answer.status_code, answer.json()["type"]) == (428, "if-match-required")
    assert (await approve(seen, await ai_row(seen), 0)).status_code == 200
    malformed = await post(seen, await ai_row(seen, 1), "approve", **{"If-Match": "today"})
    assert malformed.status_code == 422
    assert (await post(seen, await ai_row(seen), "unapprove")).status_code == 428


async def test_of_two_people_who_approve_at_once_one_wins_and_the_other_hears_who(seen: Scene) -> None:
    await seen.person("expert", ClassificationRole.EXPERT)
    rows = [await ai_row(seen), await user_row(seen)]
    answers = await asyncio.gather(approve(seen, rows[0], 0, who="owner"), approve(seen, rows[1], 0, who="expert"))
    assert sorted(one.status_code for one in answers) == [200, 412]
    winner = next(one for one in answers if one.status_code == 200).json()
    loser = next(one for one in answers if one.status_code == 412).json()
    assert loser["type"] == "version-changed"
    assert loser["approved_classification_id"] == winner["id"]
    assert loser["approved_by"] in {"owner", "expert"}
    assert loser["version"] == loser["current"]["version"] == 1
    assert f"{loser['approved_by']} approved another row" in loser["detail"]


async def test_approving_another_row_moves_the_pointer_and_unlocks_nothing(seen: Scene) -> None:
    first, second = await ai_row(seen), await user_row(seen)
    await approve(seen, first, 0)
    assert (await approve(seen, second, 1)).json()["version"] == 2
    locked = await seen.sql("select count(*) from classifications where locked_at is not null")
    assert locked == [(2,)]
    items = (await call(seen, "owner", "GET", f"{ROWS}?approved=true&type=ai&type=user")).json()["items"]
    assert [one["id"] for one in items] == [second]


async def test_what_was_approved_once_is_forked_and_not_edited(seen: Scene) -> None:
    row = await user_row(seen)
    await approve(seen, row, 0)
    await unapprove(seen, row, 1)
    answer = await edit(seen, row, {"dynamic_attrs": [FOX]})
    assert (answer.status_code, answer.json()["type"]) == (409, "classification-locked")
    assert (await post(seen, row, "fork")).status_code == 201


async def test_an_ai_row_is_not_edited(seen: Scene) -> None:
    answer = await edit(seen, await ai_row(seen), {"dynamic_attrs": [FOX]})
    assert (answer.status_code, answer.json()["type"]) == (409, "not-editable")


async def test_taking_an_approval_back_needs_the_approved_row(seen: Scene) -> None:
    row, other = await ai_row(seen), await user_row(seen)
    assert (await unapprove(seen, row, 0)).json()["type"] == "not-approved"
    await approve(seen, row, 0)
    assert (await unapprove(seen, other, 1)).json()["type"] == "not-approved"
    answer = (await unapprove(seen, row, 1)).json()
    assert (answer["is_approved"], answer["version"]) == (False, 2)
    ((source, locked),) = await seen.sql(
        "select f.source_classification_id, r.locked_at is not null from classifications r"
        " join classifications f on f.id = r.final_classification_id where r.id = :row",
        row=UUID(row),
    )
    assert (source, locked) == (None, True)


async def test_feedback_is_only_given_about_what_is_approved_and_changes_nothing(seen: Scene) -> None:
    row = await ai_row(seen)
    said = {"dynamic_attrs": [FOX]}
    assert (await post(seen, row, "feedback", said, who="viewer")).json()["type"] == "not-approved"
    await approve(seen, row, 0)
    answer = await post(seen, row, "feedback", said, who="viewer")
    assert (answer.status_code, answer.json()["type"]) == (201, "feedback")
    assert answer.json()["source_classification_id"] == row
    assert (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json()["is_approved"]
    assert (await approve(seen, answer.json()["id"], 1)).json()["type"] == "not-approvable"


async def test_a_viewer_forks_nothing_an_annotator_approves_nothing_a_stranger_sees_nothing(seen: Scene) -> None:
    row = await ai_row(seen)
    assert (await post(seen, row, "fork", who="viewer")).status_code == 403
    assert (await approve(seen, row, 0, who="annotator")).status_code == 403
    assert (await call(seen, "stranger", "GET", f"{ROWS}{row}/")).status_code == 404
    assert (await approve(seen, row, 0, who="stranger")).status_code == 404
    assert (await call(seen, "stranger", "GET", ROWS)).json()["items"] == []
    assert (await call(seen, "stranger", "GET", "/api/observations/")).json()["items"] == []


async def test_an_edit_keeps_ids_it_is_given_and_says_each_wrong_field(seen: Scene) -> None:
    row = await user_row(seen)
    before = (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json()["dynamic_attrs"][0]
    deer = str(seen.taxa["Cervus elaphus"])
    said = [{**FOX, "id": before["id"], "taxon_id": deer, "sex": "male"}, {**FOX, "count": 1}]
    after = (await edit(seen, row, {"dynamic_attrs": said})).json()["dynamic_attrs"]
    kept = next(one for one in after if one["id"] == before["id"])
    assert (kept["taxon_id"], kept["sex"], kept["copied_from_id"]) == (deer, "male", before["copied_from_id"])
    assert kept["classification_confidence"] is None
    assert len(after) == 2
    wrong = [
        {"observation_type": "animal"},
        {**FOX, "bbox": [0.9, 0.2, 0.3, 0.4], "taxon_id": str(uuid7())},
        {"observation_type": "animal", "observation_level": "group", "bbox": FOX["bbox"], "individual_id": "Rudolf"},
    ]
    answer = await edit(seen, row, {"dynamic_attrs": wrong, "static_attributes": {"x": 1}})
    assert answer.status_code == 422
    places = {tuple(one["loc"][1:]) for one in answer.json()["errors"]}
    assert places == {
        ("static_attributes", "x"),
        ("dynamic_attrs", 0, "bbox"),
        ("dynamic_attrs", 1, "bbox"),
        ("dynamic_attrs", 1, "taxon_id"),
        ("dynamic_attrs", 2, "bbox"),
        ("dynamic_attrs", 2, "individual_id"),
        ("dynamic_attrs", 2, "count"),
    }
    unchanged = (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json()["dynamic_attrs"]
    assert unchanged == after


async def test_a_copy_outlives_the_observation_that_it_was_copied_from(seen: Scene) -> None:
    first = await user_row(seen)
    second = (await post(seen, first, "fork")).json()
    await edit(seen, first, {"dynamic_attrs": [{"observation_type": "blank"}]})
    again = (await call(seen, "owner", "GET", f"{ROWS}{second['id']}/")).json()["dynamic_attrs"]
    assert [one["copied_from_id"] for one in again] == [None]


async def test_a_row_from_nothing_needs_a_resource_of_the_project(seen: Scene) -> None:
    body = {
        "classification_project_id": str(seen.project_id),
        "resource_id": str(seen.resource_ids[2]),
        "dynamic_attrs": [{"observation_type": "blank"}],
    }
    answer = await call(seen, "annotator", "POST", ROWS, body)
    assert (answer.status_code, answer.json()["source_classification_id"]) == (201, None)
    answer = await call(seen, "annotator", "POST", ROWS, {**body, "resource_id": str(uuid7())})
    assert (answer.status_code, answer.json()["type"]) == (404, "resource-not-in-project")


async def test_where_the_ai_is_required_nobody_is_before_it(seen: Scene) -> None:
    await seen.sql("update classification_projects set required_ai_classification = true")
    await seen.sql("update linked_collection_resources set ai_ended_at = null")
    row = await ai_row(seen)
    body = {
        "classification_project_id": str(seen.project_id),
        "resource_id": str(seen.resource_ids[0]),
        "dynamic_attrs": [FOX],
    }
    answers = [
        await call(seen, "owner", "POST", ROWS, body),
        await post(seen, row, "fork"),
        await approve(seen, row, 0),
    ]
    assert [(one.status_code, one.json()["type"]) for one in answers] == [(409, "ai-required")] * 3
    assert answers[0].json()["stage"] == "running"
    # Put back what the setup of this test took away, so that the invariants hold again.
    await seen.sql("update linked_collection_resources set ai_ended_at = now()")
    assert (await post(seen, row, "fork")).status_code == 201


async def test_the_history_shows_every_row_and_what_was_made_from_it(seen: Scene) -> None:
    row = await ai_row(seen)
    forked = await user_row(seen)
    await approve(seen, forked, 0)
    path = f"/api/media-classifications/resources/{seen.resource_ids[0]}/history/"
    found = (await call(seen, "viewer", "GET", f"{path}?classification_project_id={seen.project_id}")).json()
    assert found["final"]["source_classification_id"] == forked
    children = {one["id"]: one for one in found["child_classifications"]}
    assert children[row]["derived_classifications"] == [forked]
    assert children[forked]["is_approved"]
    assert [(one["approved_by_id"], one["ended_at"]) for one in children[forked]["approvals"]] == [
        (str(seen.user_ids["owner"]), None)
    ]
    final = (await call(seen, "viewer", "GET", f"{ROWS}{found['final']['id']}/")).json()
    assert [one["classification_id"] for one in final["dynamic_attrs"]] == [forked]


async def test_a_new_look_of_the_ai_leaves_what_people_said_and_approved(seen: Scene) -> None:
    row, forked = await ai_row(seen), await user_row(seen)
    await approve(seen, row, 0)
    said = (await call(seen, "owner", "GET", f"{ROWS}{forked}/")).json()
    answer = results(
        batch_id=uuid7(), resource_ids=seen.resource_ids, box=column("<u2", [40000, 13107, 19660, 26214], 4)
    )
    await applied(seen, await asked_again(seen), answer)
    former = (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json()
    assert (former["is_current"], former["is_approved"]) == (False, True)
    assert (await call(seen, "owner", "GET", f"{ROWS}{forked}/")).json()["dynamic_attrs"] == said["dynamic_attrs"]
    listed = (await call(seen, "owner", "GET", f"{ROWS}?current=true&type=ai")).json()["items"]
    assert row not in {one["id"] for one in listed}


OF_ROW = "where observation_id in (select id from observations where classification_id = :row)"
FORBIDDEN = (
    "update observations set bbox_x = 0.5 where classification_id = :row",
    "update observations set taxon_id = null, label = 'x' where classification_id = :row",
    "update observations set detection_confidence = 0.1 where classification_id = :row",
    f"delete from predictions {OF_ROW}",  # noqa: S608 - a constant above
    f"update predictions set score = 0.1 {OF_ROW}",  # noqa: S608 - the same
    f"update predictions set terminal = false {OF_ROW}",  # noqa: S608 - the same
    """update observations set classification_id = (select id from classifications where type = 'ai' and id <> :row)
       where classification_id = :row""",
    """insert into observations (id, classification_id, classification_project_id, resource_id, classification_type,
       is_current, observation_level, observation_type, carried_over) select gen_random_uuid(), id,
       classification_project_id, resource_id, type, true, 'object', 'blank', false
       from classifications where id = :row""",
    "update classifications set static_attributes = '{\"a\": 1}' where id = :row",
    "update classifications set locked_at = null where id = :row",
    "update classifications set content_hash = 'x' where id = :row",
    "update classifications set job_config_version = 7 where id = :row",
    "delete from classifications where id = :row",
    "truncate predictions cascade",
    "truncate classifications cascade",
)


async def test_no_path_changes_what_an_approved_row_says(seen: Scene) -> None:
    row = await ai_row(seen)
    await approve(seen, row, 0)
    for statement in FORBIDDEN:
        with pytest.raises(IntegrityError):
            await seen.sql(statement, **({"row": UUID(row)} if ":row" in statement else {}))


async def test_what_is_kept_about_an_approved_row_stays_writable(seen: Scene) -> None:
    row = await ai_row(seen)
    await approve(seen, row, 0)
    await seen.sql("update observations set matched_to_id = null where classification_id = :row", row=UUID(row))
    await seen.sql("update classifications set updated_at = now() where id = :row", row=UUID(row))


async def test_an_edit_that_races_an_approval_never_changes_what_was_approved(seen: Scene) -> None:
    row = await user_row(seen)
    blank = {"dynamic_attrs": [{"observation_type": "blank"}]}
    edited, approved = await asyncio.gather(edit(seen, row, blank, version=0), approve(seen, row, 0))
    said = (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json()["dynamic_attrs"][0]["observation_type"]
    assert (edited.status_code, approved.status_code, said) in {(200, 412, "blank"), (409, 200, "animal")}


async def test_two_edits_of_one_version_are_one_edit_and_a_refusal_with_the_current_state(seen: Scene) -> None:
    row = await user_row(seen)
    bodies = [{"dynamic_attrs": [{**FOX, "sex": sex}]} for sex in ("male", "female")]
    answers = await asyncio.gather(*(edit(seen, row, body, version=0) for body in bodies))
    assert sorted(one.status_code for one in answers) == [200, 412]
    won, lost = sorted(answers, key=lambda one: one.status_code)
    assert (won.json()["version"], won.headers["ETag"]) == (1, '"1"')
    assert lost.json()["current"] == won.json() == (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json()
    assert "owner edited the row" in lost.json()["detail"]


async def test_a_row_edited_since_it_was_read_is_not_approved(seen: Scene) -> None:
    row = await user_row(seen)
    await edit(seen, row, {"dynamic_attrs": [{**FOX, "sex": "male"}]})
    answer = await approve(seen, row, 0)
    assert (answer.status_code, answer.json()["version"]) == (412, 1)
    assert "owner edited the row" in answer.json()["detail"]
    assert (await approve(seen, row, 1)).json()["is_approved"] is True


async def test_a_version_that_was_never_reached_is_refused_as_what_it_is(seen: Scene) -> None:
    answer = await approve(seen, await ai_row(seen), 5)
    assert (answer.status_code, answer.json()["version"]) == (412, 0)
    assert "nobody changed it or decided" in answer.json()["detail"]
    assert "taken back" not in answer.json()["detail"]
    row = await ai_row(seen)
    await approve(seen, row, 0)
    await unapprove(seen, row, 1)
    assert "owner took the approval back at 20" in (await approve(seen, row, 0)).json()["detail"]


async def test_refusal_names_the_last_event_and_no_older_approver(seen: Scene) -> None:
    """Another row was approved, then this one was edited: the edit is what the caller has not seen."""
    await seen.person("expert", ClassificationRole.EXPERT)
    row = await user_row(seen)
    assert (await approve(seen, await ai_row(seen), 0, who="expert")).status_code == 200
    assert (await edit(seen, row, {"dynamic_attrs": [{**FOX, "sex": "male"}]}, version=1)).status_code == 200
    refused = await approve(seen, row, 1)
    assert (refused.status_code, refused.json()["version"]) == (412, 2)
    assert "owner edited the row at 20" in refused.json()["detail"]
    assert "approved" not in refused.json()["detail"]


async def test_a_superseded_row_is_approved_only_on_request(seen: Scene) -> None:
    row = await ai_row(seen)
    answer = results(
        batch_id=uuid7(), resource_ids=seen.resource_ids, box=column("<u2", [40000, 13107, 19660, 26214], 4)
    )
    await applied(seen, await asked_again(seen), answer)
    refused = await approve(seen, row, 0)
    assert (refused.status_code, refused.json()["type"]) == (409, "classification-superseded")
    assert refused.json()["superseded_by_id"] == await ai_row(seen)
    allowed = await post(seen, row, "approve", {"allow_superseded": True}, **{"If-Match": '"0"'})
    assert (allowed.status_code, allowed.json()["is_approved"]) == (200, True)


async def test_only_the_owner_or_an_approver_edits_a_row_and_the_audit_names_both(seen: Scene) -> None:
    row = await user_row(seen, who="annotator")
    await seen.person("other", ClassificationRole.ANNOTATOR)
    refused = await edit(seen, row, {"dynamic_attrs": [FOX]}, who="other")
    assert (refused.status_code, refused.json()["type"]) == (403, "not-yours")
    own = await edit(seen, row, {"dynamic_attrs": [FOX]}, who="annotator")
    assert own.json()["edited_by_id"] == str(seen.user_ids["annotator"])
    by_owner = await edit(seen, row, {"dynamic_attrs": [{**FOX, "sex": "male"}]}, who="owner")
    assert by_owner.json()["owner_id"] == str(seen.user_ids["annotator"])
    assert by_owner.json()["edited_by_id"] == str(seen.user_ids["owner"])
    noted = await seen.sql(
        "select actor_id, details->>'owner_id' from audit_entries where action = 'edited' order by id"
    )
    annotator, owner = seen.user_ids["annotator"], seen.user_ids["owner"]
    assert noted == [(annotator, str(annotator)), (owner, str(annotator))]


async def history(made: Scene, resource: int = 0) -> dict[str, Any]:
    path = f"/api/media-classifications/resources/{made.resource_ids[resource]}/history/"
    answer = await call(made, "owner", "GET", f"{path}?classification_project_id={made.project_id}")
    return {child["id"]: child for child in answer.json()["child_classifications"]}


async def test_the_history_keeps_who_approved_what_was_displaced_or_taken_back(seen: Scene) -> None:
    await seen.person("expert", ClassificationRole.EXPERT)
    owner, expert = str(seen.user_ids["owner"]), str(seen.user_ids["expert"])
    first, second = await ai_row(seen), await user_row(seen)
    await approve(seen, first, 0, who="expert")
    await approve(seen, second, 1, who="owner")
    await unapprove(seen, second, 2, who="expert")
    children = await history(seen)
    (displaced,), (ended,) = children[first]["approvals"], children[second]["approvals"]
    assert (displaced["approved_by_id"], displaced["ended_by_id"]) == (expert, owner)
    assert (ended["approved_by_id"], ended["ended_by_id"]) == (owner, expert)
    assert displaced["approved_at"] <= displaced["ended_at"] == ended["approved_at"] <= ended["ended_at"]


async def test_the_history_keeps_each_edit_with_its_author(seen: Scene) -> None:
    row = await user_row(seen, who="annotator")
    before = (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json()
    await edit(seen, row, {"dynamic_attrs": [{**FOX, "sex": "male"}]}, who="annotator")
    await edit(seen, row, {"dynamic_attrs": [{"observation_type": "blank"}]}, who="owner")
    newest = (await history(seen))[row]
    annotator, owner = str(seen.user_ids["annotator"]), str(seen.user_ids["owner"])
    assert (newest["owner_id"], newest["edited_by_id"], newest["version"]) == (annotator, owner, 2)
    first, second = newest["former_versions"]
    assert [(one["version"], one["author_id"]) for one in (first, second)] == [(0, annotator), (1, annotator)]
    assert first["written_at"] == before["created_at"]
    assert [one["taxon_id"] for one in first["dynamic_attrs"]] == [before["dynamic_attrs"][0]["taxon_id"]]
    assert [one["sex"] for one in second["dynamic_attrs"]] == ["male"]
    assert [one["observation_type"] for one in newest["dynamic_attrs"]] == ["blank"]


async def test_contradictions_are_refused_field_by_field_and_write_nothing(seen: Scene) -> None:
    row = await user_row(seen)
    before = (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json()
    deer = str(seen.taxa["Cervus elaphus"])
    wrong: list[tuple[list[dict[str, Any]], list[list[Any]]]] = [
        ([{"observation_type": "blank", "count": 2, "taxon_id": deer}], [[0, "taxon_id"], [0, "count"]]),
        ([{"observation_type": "blank"}, FOX], [[0, "observation_type"]]),
        ([{**FOX, "observation_type": "human", "taxon_id": deer, "sex": "male"}], [[0, "taxon_id"], [0, "sex"]]),
        ([{**FOX, "first_frame_index": 7}], [[0, "first_frame_index"]]),
        ([{**FOX, "first_frame_index": 10**12}], [[0, "first_frame_index"]]),
        ([{**FOX, "first_frame_index": 2**63}], [[0, "first_frame_index"]]),
        ([{**FOX, "bbox": [0.1, 0.1, 1e-7, 0.4]}], [[0, "bbox"]]),
        ([{**FOX, "custom_attributes": {"weight": 1.0}}], [[0, "custom_attributes", "weight"]]),
    ]
    for observations, fields in wrong:
        answer = await edit(seen, row, {"dynamic_attrs": observations})
        assert answer.status_code == 422, observations
        assert [one["loc"][2:] for one in answer.json()["errors"]] == fields, observations
    as_read = [{name: before["dynamic_attrs"][0][name] for name in ("id", "observation_type", "bbox", "taxon_id")}]
    as_read[0]["first_frame_index"] = before["dynamic_attrs"][0]["first_frame_index"]
    assert (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json() == before
    assert (await edit(seen, row, {"dynamic_attrs": as_read})).status_code == 200


async def test_a_number_that_is_none_is_refused_in_attributes(seen: Scene) -> None:
    attribute = '[{"name": "weight", "type": "number"}]'
    await seen.sql("update classificators set static_attributes = cast(:a as jsonb)", a=attribute)
    row = await user_row(seen)
    async with seen.as_("owner") as client:
        answer = await client.patch(
            f"{ROWS}{row}/",
            content='{"static_attributes": {"weight": NaN}}',
            headers={"If-Match": '"0"', "Content-Type": "application/json"},
        )
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["body", "static_attributes", "weight"])


async def test_a_classification_that_was_read_can_be_sent_back(seen: Scene) -> None:
    row = await user_row(seen)
    before = (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json()
    answer = await edit(seen, row, before)
    assert answer.status_code == 200, answer.text
    after = answer.json()
    moving = {"version", "updated_at", "edited_by_id"}
    assert {name: after[name] for name in after if name not in moving} == {
        name: value for name, value in before.items() if name not in moving
    }


async def test_a_read_only_field_of_a_classification_with_another_value_is_refused_by_name(seen: Scene) -> None:
    row = await user_row(seen)
    before = (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json()
    (observation, *others) = before["dynamic_attrs"]
    for body, loc in (
        ({**before, "job_id": str(uuid7())}, ["body", "job_id"]),
        ({"dynamic_attrs": [{**observation, "label": "unicorn"}, *others]}, ["body", "dynamic_attrs", 0, "label"]),
        ({"dynamic_attrs": [{**observation, "colour": "red"}, *others]}, ["body", "dynamic_attrs", 0, "colour"]),
    ):
        answer = await edit(seen, row, body)
        assert answer.status_code == 422, answer.text
        assert [error["loc"] for error in answer.json()["errors"]] == [loc]
    assert (await call(seen, "owner", "GET", f"{ROWS}{row}/")).json() == before
