"""A token of the admin: one secret for the Expert and the Manager of the same machine, ended at both at once."""

from typing import Any

import httpx

from tests.main_job.trapper import MARKS, Trapper

pytestmark = MARKS


def answers(stack: Trapper, token: str) -> dict[str, int]:
    """The status of one call of each kind that a script makes."""
    urls = stack.look()["urls"]
    headers = {"Authorization": f"Bearer {token}"}
    paths = {
        "expert": "/api/research-projects/",
        "fleet": "/api/workers/",
        "queue": "/api/queues/",
        "catalogue": "/api/models/",
    }
    found: dict[str, int] = {}
    for name, path in paths.items():
        url = urls["expert" if name == "expert" else "ai_manager"]
        found[name] = httpx.get(url + path, headers=headers, timeout=60).status_code
    return found


def test_one_token_opens_both_services_until_it_is_revoked(stack: Trapper) -> None:
    made: dict[str, Any] = stack("tokens", "create", "--name", "nightly counting", "--json").json
    assert set(answers(stack, made["token"]).values()) == {200}
    listed = stack("tokens", "list", "--json").json["items"]
    assert [one["id"] for one in listed if one["name"] == "nightly counting"] == [made["id"]]
    assert made["token"] not in stack("tokens", "list").text
    ended = stack("tokens", "revoke", "--name", "nightly counting", "--json")
    assert (ended.code, ended.json["revoked"]) == (0, 1)
    assert set(answers(stack, made["token"]).values()) == {401}
    again = stack("tokens", "revoke", "--name", "nightly counting")
    assert (again.code, "no token named nightly counting" in again.text) == (1, True)


def test_the_jobs_of_trapper_run_are_read_at_the_manager_and_not_taken_from_the_expert(stack: Trapper) -> None:
    token = stack("tokens", "create", "--name", "reader", "--json").json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    manager = stack.look()["urls"]["ai_manager"]
    (batch_id, job_id), *_ = stack.manager_rows("select batch_id, job_id from saved_results")
    job = httpx.get(f"{manager}/api/prediction_jobs/{job_id}/", headers=headers, timeout=60)
    assert (job.status_code, job.json()["state"]) == (200, "finished")
    blob = httpx.get(f"{manager}/api/resource_batches/{batch_id}/results/", headers=headers, timeout=60)
    assert (blob.status_code, blob.headers["content-type"]) == (200, "application/octet-stream")
    for path in (f"resource_batches/{batch_id}/fetched", f"prediction_jobs/{job_id}/cancel"):
        assert httpx.post(f"{manager}/api/{path}/", headers=headers, timeout=60).status_code == 404
