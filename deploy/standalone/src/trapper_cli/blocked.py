"""Lists what of a running stack waits for a person: projects, links and open jobs, each with reason and remedy."""

from collections.abc import Iterator
from pathlib import Path

from trapper_client.client import TrapperClient
from trapper_client.commands.find import RUN_PROJECT
from trapper_client.commands.rows import Row
from trapper_client.derived import OPEN_STAGES
from trapper_client.errors import Failure
from trapper_client.stack import connect


def find_blocked(state_dir: Path | None) -> list[Row]:
    """Each with `what`, `id`, `code`, `message` and `what_to_do`; one of them is a failure to read the others."""
    try:
        with connect(folder=state_dir) as expert:
            return list(read_blocked(expert))
    except Failure as problem:
        return [
            {
                "what": "what waits for a person",
                "id": None,
                "code": "not-readable",
                "message": f"It could not be read: {problem.message}",
                "what_to_do": problem.hint or "Try again in a moment, then look into the Expert's log.",
            }
        ]


def read_blocked(expert: TrapperClient) -> Iterator[Row]:
    """A link is listed where its reason is another one than its project's.

    The paused links of `trapper run` are not: it pauses them itself, because it requests its own jobs.
    """
    for project in expert.api.pages("/api/classification-projects/"):
        reason = project["blocked"]
        if reason is not None:
            yield _row("project", project["slug"], project, reason)
        for link in expert.api.pages(f"/api/classification-projects/{project['id']}/collections/"):
            if link["blocked"] in (None, reason):
                continue
            if (project["name"], link["blocked"]["code"]) != (RUN_PROJECT, "link-paused"):
                yield _row("link", link["id"], link, link["blocked"])
    for job in expert.api.pages("/api/ai-classification-jobs/", stage=OPEN_STAGES):
        if job["blocked"] is not None:
            yield _row("job", job["id"], job, job["blocked"])


def _row(kind: str, name: str, row: Row, reason: Row) -> Row:
    return {"what": f"{kind} {name}", "id": row["id"], **reason}
