from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, model_validator

from trapper_schemas.problem import field_message


class _Visit(BaseModel):
    start: int
    end: int

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> "_Visit":
        if self.end <= self.start:
            raise ValueError("a deployment ends after its start")
        return self


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"start": 2, "end": 1}, "a deployment ends after its start"), ({"start": 1}, "Field required")],
)
def test_a_field_message_is_the_sentence_alone(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _Visit.model_validate(fields)
    assert [field_message(dict(error)) for error in refused.value.errors()] == [message]
