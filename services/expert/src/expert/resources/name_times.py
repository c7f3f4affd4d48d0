"""Give the files of a folder the times in their names, as long as all of them make sense."""

from datetime import datetime, timedelta
from uuid import UUID

from expert.capture_times.queries import Scope, hold_place
from expert.capture_times.rederive import rederive
from expert.resources import queries_descriptions as queries
from expert.resources.models import Resource
from expert.resources.queries_descriptions import Folder
from trapper_kit.db import Session
from trapper_kit.pictures.read_names import read_names


async def name_times(db: Session, folder: Folder, *, now: datetime) -> None:
    """Read the names of a folder's files again; a name that makes no sense takes back the times of the others.

    Files of several deployments may lie at one path, such as two cards; each deployment's are read for themselves. The
    caller holds the folder and its deployments (`queries.hold_folders`, `queries.hold_deployments`).
    """
    files = await queries.named_in_folder(db, folder)
    cards: dict[UUID | None, list[Resource]] = {}
    for file in files:
        cards.setdefault(file.deployment_id, []).append(file)
    changed = [
        (file, time)
        for card in cards.values()
        for file, time in zip(card, read_names([_name(file) for file in card], now=now), strict=True)
        if time != file.recorded_at
    ]
    await queries.set_name_times(db, [(file.id, time) for file, time in changed])
    await rederive(db, Scope(resource_ids=[file.id for file, _ in changed]))
    days = {
        (file.deployment_id, time.date()): time for file, time in changed if file.deployment_id and time is not None
    }
    clocks = {deployment_id: (await hold_place(db, deployment_id)).clock for deployment_id in {key[0] for key in days}}
    for (deployment_id, _), time in days.items():
        if any(clocks[deployment_id].is_set_back_near(time + timedelta(days=day)) for day in (-1, 0, 1)):
            await queries.hold_card(db, deployment_id)
            await rederive(db, Scope(deployment_id=deployment_id, around=time))


def _name(file: Resource) -> str:
    return file.file_name.rsplit("/", 1)[-1]
