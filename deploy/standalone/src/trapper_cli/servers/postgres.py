"""An embedded PostgreSQL 18 with pgvector, reachable over TCP on the loopback address only."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil

from trapper_cli import ports
from trapper_cli.errors import StackError
from trapper_cli.servers import binaries
from trapper_cli.servers.psql import Psql
from trapper_cli.servers.server import EmbeddedServer
from trapper_cli.servers.unprivileged import DataFolder, postgres_account, reachable_programs
from trapper_cli.supervision import children
from trapper_cli.supervision.children import Account, Launch

SUPERUSER = "postgres"
MAJOR = "18"
SMALL_SHARED_MEMORY = 128 * 1024 * 1024
#: For tests: nothing survives a power cut, and everything is faster.
UNSAFE_AND_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL over one data folder."""

    name = "postgres"
    title = "PostgreSQL"
    first_signal = signal.SIGINT
    last_signal = signal.SIGQUIT
    grace = 20.0
    _account: Account | None = None
    _programs: Path | None = None

    def url(self, database: str = SUPERUSER, *, user: str = SUPERUSER, password: str | None = None) -> str:
        """Where a client finds a database, with the password inside."""
        secret = quote(password or self.password, safe="")
        return f"postgresql://{user}:{secret}@{ports.LOOPBACK}:{self.port}/{database}"

    def sql(self, statements: str, database: str = SUPERUSER) -> list[list[str]]:
        """Run statements as the superuser; the rows as text."""
        return Psql(self.url(database)).run(statements)

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create a database when it is not there, and return its url."""
        if [name] not in self.sql("SELECT datname FROM pg_database"):
            self.sql(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        return self.url(name)

    def prepare(self) -> None:
        """Make the data folder when there is none, and refuse one that this server cannot use."""
        self._account = postgres_account()
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        self._programs = reachable_programs(
            binaries.postgres_home(), self._account, self.data_dir.with_name("postgres-programs")
        )
        version = self.data_dir / "PG_VERSION"
        if not version.exists():
            self._create()
            return
        if (written_by := version.read_text().strip()) != MAJOR:
            raise StackError(
                f"{self.data_dir} was written by PostgreSQL {written_by}, and this is PostgreSQL {MAJOR}.",
                hint="Move the folder away, or set EXPERT_DATABASE_URL and AI_MANAGER_DATABASE_URL.",
            )
        if not self._password_is_given:
            raise StackError(f"{self.data_dir} exists, and the password of its superuser was not given.")
        self._give_away(self.data_dir)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server; it dies cleanly with the thread that calls this."""
        if self._programs is None:
            self.prepare()
        self._remove_stale_pid_file()
        settings = {
            "listen_addresses": ports.LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "120",
            "shared_buffers": "128MB",
            "log_timezone": "UTC",
            "timezone": "UTC",
        }
        if _shared_memory_is_small():
            settings["dynamic_shared_memory_type"] = "mmap"
        settings |= self.options
        arguments = [item for name, value in settings.items() for item in ("-c", f"{name}={value}")]
        with DataFolder(self.data_dir, self._account) as folder:
            self.process = children.start(
                Launch(
                    argv=[self._program("postgres"), "-D", folder.name, *arguments],
                    env=_plain_environment(),
                    log_file=self.log_file,
                    account=self._account,
                    pass_fds=folder.descriptors,
                    death_signal=signal.SIGINT,
                )
            )
        return self.process

    def is_ready(self) -> bool:
        """Whether the server that was started last takes connections."""
        try:
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return (
            self.process is not None
            and len(lines) >= 8  # noqa: PLR2004  the eighth line is the status
            and lines[0].strip() == str(self.process.pid)
            and lines[7].strip() == "ready"
        )

    def _create(self) -> None:
        # Made beside its place and then moved: an interrupted initdb leaves nothing that looks like a data folder.
        fresh = self.data_dir.with_name(self.data_dir.name + ".new")
        password_file = self.data_dir.with_name(self.data_dir.name + ".password")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._give_away(fresh)
        try:
            password_file.touch(mode=0o600)
            password_file.write_text(self.password + "\n")
            self._initdb(fresh, password_file)
        finally:
            password_file.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            self.data_dir.rmdir()
        fresh.rename(self.data_dir)

    def _initdb(self, folder: Path, password_file: Path) -> None:
        sync = ["--no-sync"] if self.options.get("fsync") == "off" else []
        password = os.open(password_file, os.O_RDONLY | os.O_CLOEXEC)
        account = self._account
        if account is not None:
            os.fchown(password, account.uid, account.gid)
        try:
            with DataFolder(folder, account) as place:
                made = subprocess.run(  # noqa: S603  our own program, never a shell
                    [
                        *(self._program("initdb"), "-D", place.name, "-U", SUPERUSER, "-E", "UTF8"),
                        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                        *("--auth-local=scram-sha-256", "--auth-host=scram-sha-256"),
                        *(f"--pwfile=/dev/fd/{password}", "--no-instructions", *sync),
                    ],
                    env=_plain_environment(),
                    cwd="/",
                    capture_output=True,
                    check=False,
                    pass_fds=(*place.descriptors, password),
                    user=account.uid if account else None,
                    group=account.gid if account else None,
                    extra_groups=[] if account else None,
                )
        finally:
            os.close(password)
        if made.returncode:
            complaint = (made.stderr or made.stdout).decode(errors="replace").strip()
            raise StackError(f"PostgreSQL could not create its data folder {self.data_dir}: {complaint}")

    def _give_away(self, folder: Path) -> None:
        account = self._account
        if account is None or folder.stat().st_uid == account.uid:
            return
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)

    def _remove_stale_pid_file(self) -> None:
        """Remove the pid file of a server that is gone: its number may by now belong to another program."""
        pid_file = self.data_dir / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return
        with suppress(psutil.NoSuchProcess):
            if "postgres" in psutil.Process(pid).name():
                return
        pid_file.unlink(missing_ok=True)

    def _program(self, name: str) -> str:
        return str((self._programs or binaries.postgres_home()) / "bin" / name)


def _plain_environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}


def _shared_memory_is_small() -> bool:
    """Containers often have 64 MB there, which parallel queries outgrow."""
    try:
        facts = os.statvfs("/dev/shm")  # noqa: S108  where the kernel has it
    except OSError:
        return False
    return facts.f_frsize * facts.f_blocks < SMALL_SHARED_MEMORY
