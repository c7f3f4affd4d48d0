import json
from pathlib import Path

import pytest

from trapper_client.errors import Failure, Unreachable
from trapper_client.stack import connect_manager, find_stack


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("TRAPPER_MANAGER_URL", raising=False)
    monkeypatch.setenv("TRAPPER_STATE_DIR", str(tmp_path))
    return tmp_path


def test_the_state_folder_tells_the_addresses(state: Path) -> None:
    urls = {"expert": "http://127.0.0.1:1", "ai_manager": "http://127.0.0.1:2"}
    (state / "state.json").write_text(json.dumps({"urls": urls}))
    (state / "operator.json").write_text(json.dumps({"token": "t"}))
    assert find_stack().expert_url == "http://127.0.0.1:1"
    with connect_manager() as manager:
        assert manager.api.base_url == "http://127.0.0.1:2"
        assert manager.api.token == "t"


@pytest.mark.parametrize("content", ["", "not json", "[]", "{}", '{"urls": 3}'])
def test_a_folder_that_says_nothing_is_a_stack_that_does_not_run(state: Path, content: str) -> None:
    (state / "state.json").write_text(content)
    with pytest.raises(Unreachable, match=r"The stack is not running\. Start it: trapper up"):
        _ = find_stack().expert_url


def test_a_missing_operator_is_told_by_its_file(state: Path) -> None:
    (state / "state.json").write_text(json.dumps({"urls": {"ai_manager": "http://127.0.0.1:2"}}))
    with pytest.raises(Failure, match=r"operator\.json with the operator's token is missing"):
        connect_manager()
