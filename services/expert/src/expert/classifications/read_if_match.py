"""The version of a final row out of an If-Match header."""

import re

from trapper_kit.problems import Malformed

_VERSION = re.compile(r'^(?:W/)?"?(\d{1,9})"?$')


def read_if_match(value: str | None) -> int | None:
    """None when the header is absent; anything that is no version is Malformed."""
    if value is None:
        return None
    found = _VERSION.match(value.strip())
    if found is None:
        raise Malformed('If-Match carries the version of the final row, such as "3"')
    return int(found.group(1))
