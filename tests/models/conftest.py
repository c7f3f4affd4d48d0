"""Lets the tests import the renderer and the measures, which are no package of the workspace."""

import sys
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[2] / "models"
sys.path.insert(0, str(MODELS))


@pytest.fixture(scope="session")
def models_folder() -> Path:
    return MODELS
