"""The output of commands: tables and sentences for people, one JSON document for scripts."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output, for scripts.")]

_ENDLESS = 10_000
_MANY = 1000
"""From here on a number shows no fraction, and no power of ten."""


def tell(sentence: str) -> None:
    """A sentence on standard error, so that standard output stays a document."""
    sys.stderr.write(printable(sentence) + "\n")
    sys.stderr.flush()


def say(sentence: str = "") -> None:
    """A line for a person on standard output."""
    sys.stdout.write(printable(sentence) + "\n")
    sys.stdout.flush()


def answer(document: Any) -> None:
    """The one JSON document that a command with --json ends with."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "There is nothing yet.") -> None:
    """Rows under headings; cells are shown as they are, never read as markup."""
    made = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(_cell(value)) for value in row))
    if not made.row_count:
        say(empty)
        return
    width = None if sys.stdout.isatty() else _ENDLESS  # lines in a pipe are for grep, and never folded
    Console(file=sys.stdout, width=width).print(made)


def printable(text: str) -> str:
    r"""The text with control characters and what cannot be encoded as \x sequences; file names may hold anything."""
    shown = "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)
    encoding = sys.stdout.encoding or "utf-8"
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < _MANY else f"{value:.0f}"
    return printable(str(value))
