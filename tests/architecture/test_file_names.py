"""In a feature folder a file is one of a closed set of names, or begins with the verb that it does."""

from pathlib import Path

import pytest

from tests.architecture.file_names import FIXED, NOUNS, VERBS

ROOT = Path(__file__).parents[2]
SERVICES = ("expert", "ai_manager", "ai_worker")


def misnamed(service: str) -> list[str]:
    """Files of feature folders whose names say neither which part of a feature they are nor what they do."""
    source = ROOT / "services" / service / "src"
    return [
        f"{path.relative_to(source)}: neither a name of the closed set nor a verb; see tests/architecture/file_names.py"
        for path in sorted(source.glob(f"{service}/*/*.py"))
        if (stem := path.stem) not in FIXED
        and not stem.startswith("queries_")
        and stem.split("_")[0] not in VERBS
        and stem not in NOUNS.get(f"{service}.{path.parent.name}", frozenset())
        and stem != "__main__"
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_files_of_a_feature_have_names_of_the_closed_set_or_of_verbs(service: str) -> None:
    assert misnamed(service) == []


def test_every_listed_noun_is_a_file() -> None:
    listed = {(folder, stem) for folder, stems in NOUNS.items() for stem in stems}
    there = {
        (f"{path.parts[-3]}.{path.parent.name}", path.stem)
        for service in SERVICES
        for path in (ROOT / "services" / service / "src").glob(f"{service}/*/*")
    }
    assert listed - there == set()
