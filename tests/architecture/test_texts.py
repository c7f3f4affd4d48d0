"""Every text that a person meets stands in one file, so that it can be read in one go."""

from tests.architecture.texts import SNAPSHOT, texts


def test_the_snapshot_lists_every_text() -> None:
    assert SNAPSHOT.read_text("utf-8") == texts(), "run: make texts"
