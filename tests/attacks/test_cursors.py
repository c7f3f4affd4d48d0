"""Cursors that somebody made up: other types, other lengths, other documents; always 400, never 500."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expert.app import contract_app
from tests.support.access_table import CALLERS, OWNER, Place, routes
from tests.support.access_world import World
from trapper_kit.paging import PageRequest
from trapper_kit.problems import Malformed

KEYS = [[], [None], [1], [10**30], [1.5e300], ["no id"], ["\x00"], [["a"]], [{}], [True], ["a", "b"], ["\ud800"]]

KEYED_BY_NUMBER = {"algorithms_list_labels", "operations_list_lines"}
SITE_ADMIN = next(caller for caller in CALLERS if caller.is_site_admin)


def forged(keys: Any, filter_print: str) -> str:
    document = json.dumps({"k": keys, "f": filter_print})
    return base64.urlsafe_b64encode(document.encode()).rstrip(b"=").decode()


async def test_forged_cursor_is_refused_by_every_list(everything: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every route with a cursor, under the filters that the route itself gives its pages."""
    paths = contract_app().openapi()["paths"]
    lists = [
        route
        for route in routes()
        if "cursor"
        in {parameter["name"] for parameter in paths[route.path][route.method.lower()].get("parameters", [])}
    ]
    assert len(lists) > 20
    prints: list[str] = []
    given_by_route = PageRequest.of

    def of(limit: int, cursor: str | None, filters: Any) -> PageRequest:
        prints.append(given_by_route(limit, None, filters).filter_print)
        return given_by_route(limit, cursor, filters)

    monkeypatch.setattr(PageRequest, "of", of)
    for route in lists:
        caller = SITE_ADMIN if route.rule.place is Place.SITE else OWNER
        prints.clear()
        assert (await everything.call(route, caller, everything.ids)).status_code == 200, route.path
        filter_print = prints[0]
        for keys in KEYS:
            reply = await everything.call(route, caller, everything.ids, cursor=forged(keys, filter_print))
            if keys == [1] and route.operation in KEYED_BY_NUMBER:
                continue
            assert reply.status_code == 400, (route.path, keys, reply.text)
            assert reply.json()["type"] == "malformed", (route.path, keys, reply.text)


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
