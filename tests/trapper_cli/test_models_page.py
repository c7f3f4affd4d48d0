"""`docs/models.md` has every option that exists, and no other."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from ai_worker.model_intake.read_request import PREPROCESS_KEYS
from trapper_client.app import app, load_commands

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
SYNOPSIS = " ".join(
    next(text for text in PAGE.split("`") if text.startswith("trapper models add FILE --name NAME --pred")).split()
)


def options(name: str) -> dict[str, tuple[str, ...]]:
    """The options of `trapper models NAME`, each with its choices."""
    load_commands()
    root: Any = typer.main.get_command(app)
    parameters = [each for each in root.commands["models"].commands[name].params if each.param_type_name == "option"]
    return {each.opts[0]: tuple(getattr(each.type, "choices", ())) for each in parameters if each.opts[0] != "--json"}


def test_the_synopsis_of_models_add_has_exactly_its_options_and_choices() -> None:
    given = options("add")
    assert set(re.findall(r"--[a-z-]+", SYNOPSIS)) - {"--json"} == set(given)
    choices = {name: values for name, values in given.items() if values}
    assert set(choices) == {"--predictor", "--activation", "--layout", "--boxes"}
    for name, values in choices.items():
        documented = re.search(rf"{name} ([a-z0-9|-]+)", SYNOPSIS)
        assert documented is not None
        assert tuple(documented[1].split("|")) == values


@pytest.mark.parametrize("name", ["list", "install", "pin", "test", "retire"])
def test_the_table_of_commands_has_the_options_of_each(name: str) -> None:
    (row,) = re.findall(rf"^\| `trapper models {name}[^\n]*", PAGE, re.MULTILINE)
    assert set(re.findall(r"--[a-z0-9-]+", row)) - {"--json"} == set(options(name))


def test_the_table_of_preprocessing_has_exactly_the_keys_that_are_taken() -> None:
    table = PAGE[PAGE.index("| key | values | meaning |") :].split("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert {key for cell in first_cells for key in re.findall(r"`([a-z-]+)`", cell)} == set(PREPROCESS_KEYS)
