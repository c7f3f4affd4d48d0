"""Text that a database takes: NUL and lone surrogates are replaced before they meet `text` or `jsonb`."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator

REPLACEMENT = "\ufffd"
_REFUSED = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """The same text, with what PostgreSQL refuses replaced by U+FFFD."""
    return _REFUSED.sub(REPLACEMENT, text)


def clean_json(value: Any) -> Any:
    """A JSON document with every text and key in it cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    return value


CleanText = Annotated[str, AfterValidator(clean)]
"""A text field of a body."""
