"""Types of command-line arguments that more than one service takes."""

import argparse

from trapper_schemas.urls import check_url


def address(text: str) -> str:
    """The base URL of a service; raises ArgumentTypeError for one that no client should call."""
    try:
        check_url(text, query=False)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    return text
