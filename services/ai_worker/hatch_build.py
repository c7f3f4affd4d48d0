# ruff: noqa: INP001 - the build tool reads this file by its path, it is no package
"""Puts the worker's migrations into its wheel, so that a worker installed alone can migrate its own file."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Migrations(BuildHookInterface[Any]):
    """Build hook; in a repository the migrations are beside the services, where an editable install reads them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        folder = Path(self.root).parents[1] / "migrations" / "ai_worker"
        if version != "editable" and (folder / "env.py").exists():
            for path in [folder / "env.py", *sorted((folder / "versions").glob("*.py"))]:
                build_data["force_include"][str(path)] = f"ai_worker_migrations/{path.relative_to(folder)}"
