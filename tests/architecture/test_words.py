"""Identifiers and file names are standard terms, and public docstrings begin with one short sentence."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.words import CLASSES_ONLY, NEVER_INSIDE, REPLACED, VAGUE

ROOT = Path(__file__).parents[2]
FOLDERS = ("services", "libs", "deploy", "benchmarks")
FOLDERS_OF_NAMES = (*FOLDERS, "tests", "docs")
LONGEST_SENTENCE = 120
SENTENCE = re.compile(r"(?s)^(.*?[.!?:;])(?:\s|$)")
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
PASSED_OVER = {".venv", "node_modules", "__pycache__"}


def _files(folder: str, pattern: str) -> Iterator[Path]:
    for path in sorted((ROOT / folder).rglob(pattern)):
        if PASSED_OVER.isdisjoint(path.parts):
            yield path


@cache
def _trees() -> dict[Path, ast.Module]:
    return {
        path.relative_to(ROOT): ast.parse(path.read_text("utf-8"))
        for folder in FOLDERS
        for path in _files(folder, "*.py")
    }


def _identifiers(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Names that a file gives: variables, parameters, attributes, functions, classes, import aliases."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.lineno, node.name, True
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name, False
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg, False
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id, False
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr, False
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname, False
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.lineno, node.name, False


def refusal(name: str, *, is_class: bool = False) -> str | None:
    """Returns what to write instead of this name, or None when it may stay."""
    plain = name.strip("_").lower()
    if plain in REPLACED and (is_class or plain not in CLASSES_ONLY):
        return f"write {REPLACED[plain]}"
    if plain in VAGUE:
        return "name it after its type"
    inside = NEVER_INSIDE.intersection(word.lower() for word in WORD.findall(name))
    return f"leave out {', '.join(sorted(inside))}" if inside else None


def _first_sentence(docstring: str) -> str:
    paragraph = " ".join(docstring.split("\n\n", 1)[0].split())
    match = SENTENCE.match(paragraph)
    return match.group(1) if match else paragraph


def test_identifiers_are_standard_terms() -> None:
    refused = [
        f"{path}:{line} {name}: {instead}"
        for path, tree in _trees().items()
        for line, name, is_class in _identifiers(tree)
        if (instead := refusal(name, is_class=is_class)) is not None
    ]
    assert refused == []


def test_names_of_files_and_folders_are_standard_terms() -> None:
    paths = {path.relative_to(ROOT) for folder in FOLDERS_OF_NAMES for path in _files(folder, "*")}
    refused = {
        f"{path}: {instead}"
        for path in paths
        if (instead := refusal(path.stem.removeprefix("test_"), is_class=True)) is not None
    }
    assert refused == set()


def test_public_docstrings_begin_with_a_short_sentence() -> None:
    long = [
        f"{path}:{node.lineno} {node.name}: {sentence}"
        for path, tree in _trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and len(sentence := _first_sentence(ast.get_docstring(node) or "")) > LONGEST_SENTENCE
    ]
    assert long == []


@pytest.mark.parametrize("name", ["one", "_told", "Told", "told_at", "Wish", "IN_HAND", "Ended", "WebDoor"])
def test_vague_and_replaced_names_are_refused(name: str) -> None:
    assert refusal(name, is_class=True) is not None


@pytest.mark.parametrize("name", ["one_frame", "brief_reply", "indoors_count", "string", "rounded", "wanted_width"])
def test_longer_names_that_only_contain_such_a_word_may_stay(name: str) -> None:
    assert refusal(name) is None
