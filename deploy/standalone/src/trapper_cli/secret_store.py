"""The stack's own secrets: made once, kept in a file that only their owner reads."""

import secrets
from pathlib import Path

from trapper_cli import private_files
from trapper_cli.errors import StackError

NAMES = (
    "postgres_password",
    "expert_database_password",
    "ai_manager_database_password",
    "valkey_password",
    "valkey_notifications_password",
    "expert_secret_key",
    "ai_manager_secret_key",
)


def load(path: Path, *, data_exists: bool) -> dict[str, str]:
    """Every secret by name; those that are missing are made and kept."""
    stored = {name: value for name, value in private_files.read_json(path).items() if isinstance(value, str)}
    if data_exists and "postgres_password" not in stored:
        raise StackError(
            f"{path} is missing or damaged, and without it the existing database beside it cannot be opened.",
            hint="Put the file back from a copy, or move the whole state folder away to begin anew.",
        )
    made = {name: stored.get(name) or secrets.token_hex(24) for name in NAMES}
    if made != stored:
        private_files.write_json(path, made)
    path.chmod(private_files.PRIVATE)
    return made


def make_password() -> str:
    """For a person: easy to copy, hard to guess."""
    return secrets.token_urlsafe(15)
