"""The page that tells others how to read a blob tells the truth: its reader is run on the golden blobs."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.make.results import results
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.results import SCHEMA_VERSION, values

PAGE = Path(__file__).parents[2] / "docs" / "wire.md"
BLOBS = sorted((Path(__file__).parent / "golden" / "v1").glob("*.bin"))


def reader() -> Any:
    """The function in the page."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page is ours
    return names["read"]


@pytest.mark.parametrize("path", BLOBS, ids=lambda path: path.stem)
def test_the_pages_reader_reads_what_we_read(path: Path) -> None:
    blob = path.read_bytes()
    ours = read_results(blob)
    document, columns = reader()(blob)
    assert (document["schema_version"], document["batch_id"]) == (SCHEMA_VERSION, str(ours.batch_id))
    for name, column in columns.items():
        if column and name not in {"logits", "features"}:
            assert column == values(getattr(ours, name)).tolist(), name
    if ours.logits is not None:
        assert columns["logits"] == [1.0] * 8


def test_the_page_names_every_field_and_column() -> None:
    page = PAGE.read_text("utf-8")
    for name in vars(results()):
        assert f"`{name}`" in page, name
