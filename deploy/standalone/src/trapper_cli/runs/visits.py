"""Tells a second visit to the same folder (another card at the same mount point) from a repeated run."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trapper_cli.runs.names import as_text, unique_name
from trapper_client.client import TrapperClient
from trapper_client.contract import CollectionReply

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""Files without bytes lie on every card that was full."""
_VISIT = re.compile(r", visit [0-9]+$")


@dataclass(frozen=True)
class Visit:
    """The collection of a folder's present photos; `earlier_photos` counts those of the visit before a new one."""

    name: str
    number: int
    is_new: bool
    earlier_photos: int = 0


def find_visit(
    expert: TrapperClient, research_project_id: str, folder: str, shown: str, hashes: Mapping[str, str]
) -> Visit:
    """The visit that the photos belong to; `hashes` gives the sha256 of each by its relative path.

    It is an earlier one when more photos are known from it than have other bytes now than they had there.
    """
    number, earlier = 1, 0
    while True:
        name = visit_name(folder, shown, number)
        collection = next(collections_named(expert, research_project_id, name), None)
        if collection is None:
            return Visit(name, number, is_new=True, earlier_photos=earlier)
        earlier, same, changed = _compare(expert, collection, hashes)
        has_photos = set(hashes.values()) - {EMPTY_SHA256}
        if not earlier or not has_photos or (same and same >= changed):
            return Visit(name, number, is_new=False)
        number += 1


def collections_named(expert: TrapperClient, research_project_id: str, name: str) -> Iterator[CollectionReply]:
    """The collections with this very name; the service's filter also finds parts of names."""
    found = expert.collections(research_project_id=research_project_id, name=name)
    return (collection for collection in found if collection.name == name)


def visit_name(folder: str, shown: str, number: int) -> str:
    """The name of a folder's collection or deployment: it differs for each folder and each visit."""
    name = unique_name(shown, folder)
    return name if number == 1 else f"{name}, visit {number}"


def folder_of(name: str) -> str:
    """The part of a visit's name that all visits to its folder share."""
    return _VISIT.sub("", name)


def _compare(expert: TrapperClient, collection: CollectionReply, hashes: Mapping[str, str]) -> tuple[int, int, int]:
    """How many photos the collection has, how many of them are here, and how many have other bytes here."""
    rows = expert.resources(collection_id=collection.id)
    known = {each.id: each.sha256 for each in rows if each.sha256 is not None}
    here = set(hashes.values())
    same = sum(sha256 in here for sha256 in known.values() if sha256 != EMPTY_SHA256)
    paths = {as_text(relative): sha256 for relative, sha256 in hashes.items()}
    by_path: dict[str, set[str]] = {}
    for each in expert.collection_paths(collection.id):
        by_path.setdefault(each.path, set()).add(known.get(each.resource_id, ""))
    changed = sum(path in by_path and sha256 not in by_path[path] for path, sha256 in paths.items())
    return len(set(known.values()) - {EMPTY_SHA256}), same, changed
