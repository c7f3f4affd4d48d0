"""Makes the two databases of the embedded server, each with an owner of its own that cannot enter the other."""

from collections.abc import Mapping

from trapper_cli.errors import StackError
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_cli.servers.psql import Psql

SERVICES = ("expert", "ai_manager")


def create(server: EmbeddedPostgres, secrets: Mapping[str, str]) -> None:
    """Roles with their passwords, databases, and who may connect; safe to run again."""
    # A statement that fails would be written to the server's log, passwords and all.
    lines = ["SET log_min_error_statement = panic;"]
    for service in SERVICES:
        password = secrets[f"{service}_database_password"]
        role = f"FROM pg_roles WHERE rolname = '{service}'"
        database = f"FROM pg_database WHERE datname = '{service}'"
        lines += [
            f"SELECT 'CREATE ROLE {service}' WHERE NOT EXISTS (SELECT {role})\\gexec",
            f"ALTER ROLE {service} LOGIN PASSWORD '{password}';",
            f"SELECT 'CREATE DATABASE {service} OWNER {service}' WHERE NOT EXISTS (SELECT {database})\\gexec",
            f"REVOKE ALL ON DATABASE {service} FROM PUBLIC;",
        ]
    server.sql("\n".join(lines))
    server.sql("SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS vector;", "expert")


def check_given(url: str) -> None:
    """A database of somebody else's: it must answer, and the Expert's needs pgvector."""
    database = Psql(url)
    if database.run("SELECT 1 FROM pg_extension WHERE extname = 'vector';"):
        return
    try:
        database.run("CREATE EXTENSION IF NOT EXISTS vector;")
    except StackError as problem:
        raise StackError(
            f"The database {database.place} has no extension `vector`, and it could not be created: {problem}",
            hint="Install pgvector 0.7 or newer there, and run CREATE EXTENSION vector as a superuser.",
        ) from None
