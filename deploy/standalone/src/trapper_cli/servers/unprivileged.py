"""Lets root start PostgreSQL, which refuses to run as root: another account, and folders that it can reach."""

import os
import pwd
import shutil
import stat
import sys
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Self

from trapper_cli.errors import StackError
from trapper_cli.supervision.children import Account

ACCOUNT = "nobody"


def postgres_account() -> Account | None:
    """The account for PostgreSQL: nobody when we are root, the caller's own otherwise."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise StackError(
            f"This is root, PostgreSQL refuses to run as root, and this machine has no account `{ACCOUNT}`.",
            hint="Start it as an ordinary user, or set EXPERT_DATABASE_URL and AI_MANAGER_DATABASE_URL.",
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def first_closed_parent(path: Path) -> Path | None:
    """The outermost folder on the way to this path that others may not pass through."""
    for folder in reversed([path, *path.parents]):
        if folder.is_dir() and not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None


def reachable_programs(home: Path, account: Account | None, cache: Path) -> Path:
    """PostgreSQL's folder, or a copy of it when the account cannot pass through its parents (a venv below /root)."""
    if account is None or first_closed_parent(home) is None:
        return home
    for place in (cache, Path(tempfile.gettempdir()) / "trapper-postgres"):
        if first_closed_parent(place.parent) is None:
            return _copy_programs(home, place)
    raise StackError(
        f"The account `{account.name}`, as which root must run PostgreSQL, can reach neither {home} nor {cache.parent} "
        f"nor {tempfile.gettempdir()}.",
        hint=f"Allow others to pass through {first_closed_parent(home)} (chmod o+x), or start it as an ordinary user.",
    )


def _copy_programs(home: Path, place: Path) -> Path:
    package = home.parent
    libraries = package.with_name(package.name + ".libs")  # found by the programs through $ORIGIN
    program = home.joinpath("bin", "postgres").stat()
    target = place / f"{home.name}-{program.st_size}-{int(program.st_mtime)}"
    copy = target / package.name / home.name
    with suppress(FileExistsError):
        place.mkdir(mode=0o755, parents=True)
    seen = place.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_mode & 0o022:
        raise StackError(f"{place} is not a folder of this user's own.", hint="Remove it.")
    if copy.is_dir():
        return copy
    fresh = place / f"new-{uuid.uuid4().hex}"
    shutil.copytree(home, fresh / package.name / home.name, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    for folder in (place, fresh):
        folder.chmod(0o755)
    try:
        fresh.rename(target)
    except OSError:  # somebody else was faster
        shutil.rmtree(fresh, ignore_errors=True)
    return copy


class DataFolder:
    """A folder that the account can use although it may not be able to walk to it.

    On Linux the account is handed an open descriptor, so that nothing above the folder has to be opened to others.
    """

    def __init__(self, path: Path, account: Account | None) -> None:
        self._descriptor: int | None = None
        self.name = str(path)
        if account is None:
            return
        if sys.platform == "linux":
            self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self.name = f"/proc/self/fd/{self._descriptor}"
        elif (closed := first_closed_parent(path.parent)) is not None:
            raise StackError(
                f"The account `{account.name}`, as which root must run PostgreSQL, cannot reach {path}.",
                hint=f"Allow others to pass through {closed} (chmod o+x), set TRAPPER_STATE_DIR to another folder, "
                "or start it as an ordinary user.",
            )

    @property
    def descriptors(self) -> tuple[int, ...]:
        return () if self._descriptor is None else (self._descriptor,)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
