"""Cleans text for PostgreSQL: replaces NUL and lone surrogates."""

import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

REPLACEMENT = "\ufffd"
_REFUSED = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """Returns the text with what PostgreSQL refuses replaced by U+FFFD."""
    return _REFUSED.sub(REPLACEMENT, text)


def clean_json(value: Any) -> Any:
    """Returns a JSON document with every text and key cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    return value


CleanText = Annotated[str, AfterValidator(clean)]
"""A text field of a body."""

_NOT_IN_A_LINE = {"Cc", "Cs", "Zl", "Zp"}


def check_line(text: str) -> str:
    """Returns the text; ValueError for control characters, line breaks, U+FFFD, and invisible text."""
    for character in text:
        if unicodedata.category(character) in _NOT_IN_A_LINE or character == REPLACEMENT:
            raise ValueError(f"contains U+{ord(character):04X}, which text cannot have; remove it")
    if text and all(unicodedata.category(character) in {"Cf", "Zs"} for character in text):
        raise ValueError("is blank; give at least one visible character")
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(check_line)]
"""One line of text in a body, without white space around it; may be empty."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(check_line)]
"""What people call a thing: one line with at least one visible character."""
