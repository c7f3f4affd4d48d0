"""Runs SQL through the psql of the wheel: the stack needs a few statements and no database driver."""

import os
import subprocess
from urllib.parse import parse_qs, unquote, urlsplit

from trapper_cli.errors import StackError
from trapper_cli.servers import binaries


class Psql:
    """One database, by its url; the password travels in the environment of the child, never in its arguments."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port or 5432
        except ValueError:
            raise StackError(f"The port in a database address is not a number: {without_password(url)}.") from None
        if not parts.scheme.startswith("postgres") or not parts.hostname:
            raise StackError(
                f"{without_password(url)} is not the address of a PostgreSQL database.",
                hint="It looks like postgresql://user:password@host:5432/name.",
            )
        self.place = without_password(url)
        self.database = unquote(parts.path.lstrip("/")) or "postgres"
        query = parse_qs(parts.query)
        tls = query.get("sslmode") or query.get("ssl") or []
        self._env = {
            "PATH": os.defpath,
            "PGHOST": parts.hostname,
            "PGPORT": str(port),
            "PGUSER": unquote(parts.username or ""),
            "PGPASSWORD": unquote(parts.password or ""),
            "PGDATABASE": self.database,
            "PGCONNECT_TIMEOUT": "10",
            "PGPASSFILE": os.devnull,
            "PGCLIENTENCODING": "UTF8",
            **({"PGSSLMODE": tls[0]} if tls else {}),
        }

    def run(self, statements: str) -> list[list[str]]:
        """Run statements, stop at the first that fails; the rows as text."""
        done = subprocess.run(  # noqa: S603  our own program, never a shell
            [str(binaries.postgres_home() / "bin" / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            env=self._env,
            cwd="/",
            input=statements.encode(),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            complaint = done.stderr.decode(errors="replace").strip().removeprefix("psql: error: ")
            raise StackError(f"PostgreSQL at {self.place} refused: {complaint}")
        return [line.split("|") for line in done.stdout.decode().splitlines()]


def without_password(url: str) -> str:
    """An address as it may be shown."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    account, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{account.split(':')[0]}@{host}").geturl()
