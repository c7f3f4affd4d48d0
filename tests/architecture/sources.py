"""The source and the apps that the architecture tests look at, each read once."""

import ast
import importlib
from functools import cache
from pathlib import Path

from fastapi import FastAPI


@cache
def text_of(path: Path) -> str:
    """The text of a file."""
    return path.read_text("utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a module; nobody changes it."""
    return ast.parse(text_of(path))


@cache
def app_of(service: str) -> FastAPI:
    """The app of a service, as its contract describes it."""
    app: FastAPI = importlib.import_module(f"{service}.app").contract_app()
    return app
