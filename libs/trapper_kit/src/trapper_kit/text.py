"""The one rule for text: what people type is refused where it is damaged, what comes out of files is repaired.

Control characters, lone surrogates and U+FFFD are refused in `Line`, `Name` and `Text`, whose author types them again.
In file names, EXIF, labels and reports of machines they become U+FFFD (`FileText`, `clean`): nobody types those again.
"""

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


FileText = Annotated[str, AfterValidator(clean)]
"""A name or path as a file system has it."""

_NOT_IN_TEXT = {"Cc", "Cs"}
_NOT_IN_A_LINE = _NOT_IN_TEXT | {"Zl", "Zp"}


def check_line(text: str) -> str:
    """Returns the text; ValueError for control characters, line breaks, U+FFFD, and invisible text."""
    _refuse(text, _NOT_IN_A_LINE)
    if text and all(unicodedata.category(character) in {"Cf", "Zs"} for character in text):
        raise ValueError("is blank; give at least one visible character")
    return text


def check_text(text: str) -> str:
    """Returns the text; ValueError for control characters other than tabs and line breaks, and for U+FFFD."""
    _refuse(text.translate(dict.fromkeys(b"\t\n\r")), _NOT_IN_TEXT)
    return text


def _refuse(text: str, categories: set[str]) -> None:
    for character in text:
        if unicodedata.category(character) in categories or character == REPLACEMENT:
            raise ValueError(f"contains U+{ord(character):04X}, which text cannot have; remove it")


Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(check_line)]
"""One line of text in a body, without white space around it; may be empty."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(check_line)]
"""What people call a thing: one line with at least one visible character."""
Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(check_text)]
"""Several lines of text in a body, without white space around them; may be empty."""
