"""Cursors that somebody made up: other types, other lengths, other documents; always 400, never 500."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.make.expert import Backend
from trapper_kit.paging import PageRequest
from trapper_kit.problems import Malformed

KEYS = [[], [None], [1], [10**30], [1.5e300], ["no id"], ["\x00"], [["a"]], [{}], [True], ["a", "b"], ["\ud800"]]


def forged(keys: Any, filter_print: str) -> str:
    document = json.dumps({"k": keys, "f": filter_print})
    return base64.urlsafe_b64encode(document.encode()).rstrip(b"=").decode()


async def test_forged_cursor_is_refused_by_every_list(backend: Backend) -> None:
    owner = await backend.person("root", site_admin=True)
    project = await backend.project(owner)
    looking = await project.classification_project()
    paths = {
        "/api/users/": {"is_active": None},
        "/api/tokens/": {},
        f"/api/collections/{project.collection_id}/links/": {"collection": project.collection_id},
        f"/api/classification-projects/{looking['id']}/invitations/": {"project": looking["id"]},
    }
    for path, filters in paths.items():
        filter_print = PageRequest.of(1, None, filters).filter_print
        for keys in KEYS:
            reply = await owner.client.get(path, params={"cursor": forged(keys, filter_print)})
            assert (reply.status_code, reply.json()["type"]) == (400, "malformed"), (path, keys, reply.text)


@given(st.text(max_size=200))
def test_any_text_is_a_cursor_or_malformed(text: str) -> None:
    try:
        PageRequest.of(1, text, {}).values([str])
    except Malformed:
        return


def test_part_of_another_type_is_malformed() -> None:
    request = PageRequest.of(1, None, {})
    with pytest.raises(Malformed):
        PageRequest.of(1, forged([1, 2], request.filter_print), {}).values([str])
