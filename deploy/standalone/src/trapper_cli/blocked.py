"""Lists what of a running stack waits for a person: projects, links and open jobs, each with reason and remedy."""

from collections.abc import Iterator
from pathlib import Path

from trapper_client.client import TrapperClient
from trapper_client.commands.rows import Row
from trapper_client.derived import OPEN_STAGES
from trapper_client.errors import Failure
from trapper_client.stack import connect


def find_blocked(state_dir: Path) -> list[Row]:
    """Each with `what`, `id`, `code`, `message` and `what_to_do`; empty while the Expert cannot be asked."""
    try:
        with connect(folder=state_dir) as expert:
            return list(read_blocked(expert))
    except Failure:
        return []


def read_blocked(expert: TrapperClient) -> Iterator[Row]:
    """A link is listed where its reason is another one than its project's."""
    for project in expert.api.pages("/api/classification-projects/"):
        reason = project["blocked"]
        if reason is not None:
            yield _row("project", project["slug"], project, reason)
        for link in expert.api.pages(f"/api/classification-projects/{project['id']}/collections/"):
            if link["blocked"] not in (None, reason):
                yield _row("link", link["id"], link, link["blocked"])
    for job in expert.api.pages("/api/ai-classification-jobs/", stage=OPEN_STAGES):
        if job["blocked"] is not None:
            yield _row("job", job["id"], job, job["blocked"])


def _row(kind: str, name: str, row: Row, reason: Row) -> Row:
    return {"what": f"{kind} {name}", "id": row["id"], **reason}
