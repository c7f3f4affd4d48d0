"""Types of command-line arguments that more than one service takes."""

import argparse
from datetime import datetime

from trapper_schemas.times import check_moment
from trapper_schemas.urls import check_url


def address(text: str) -> str:
    """The base URL of a service; raises ArgumentTypeError for one that no client should call."""
    try:
        check_url(text, query=False)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    return text


def moment(text: str) -> datetime:
    """A time with an offset between the years 1900 and 2199 in UTC; raises ArgumentTypeError for another."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time; write it like 2027-01-31T12:00:00+00:00") from None
    if parsed.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no time zone; write it like 2027-01-31T12:00:00+00:00")
    try:
        return check_moment(parsed)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"{text} {problem}") from None
