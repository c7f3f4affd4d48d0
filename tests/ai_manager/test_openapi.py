"""The committed contract is the one that is served."""

import json
from pathlib import Path

from ai_manager.app import create_app

COMMITTED = Path(__file__).parents[2] / "services" / "ai_manager" / "openapi.json"


def test_the_committed_contract_is_the_one_that_is_served() -> None:
    assert json.loads(COMMITTED.read_text()) == create_app().openapi()


def test_streamed_bodies_are_part_of_the_contract() -> None:
    document = create_app().openapi()
    body = document["paths"]["/api/prediction_jobs/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/JobRequest"}
    assert "media_grant" in document["components"]["schemas"]["JobRequest"]["properties"]
    text = json.dumps(document)
    references = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert references <= set(document["components"]["schemas"])
