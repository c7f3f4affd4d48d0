"""The servers from the wheels, run for real under the account that runs the tests."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from trapper_cli.errors import StackError
from trapper_cli.servers import binaries
from trapper_cli.servers.postgres import UNSAFE_AND_FAST, EmbeddedPostgres
from trapper_cli.servers.psql import Psql, without_password
from trapper_cli.servers.valkey import EmbeddedValkey

ROOT = os.geteuid() == 0
WHICH_CLUSTER = "SELECT system_identifier FROM pg_control_system()"


def test_postgres_has_pgvector_and_keeps_its_data(folder: Path) -> None:
    with EmbeddedPostgres(folder / "pg", options=UNSAFE_AND_FAST) as server:
        url = server.create_database("photos")
        Psql(url).run("CREATE EXTENSION vector; CREATE TABLE t (v vector(2)); INSERT INTO t VALUES ('[1,2]');")
        assert url == server.create_database("photos")
        made_first = server.sql(WHICH_CLUSTER)
    with EmbeddedPostgres(folder / "pg", password=server.password, options=UNSAFE_AND_FAST) as again:
        assert again.sql("SELECT v FROM t", "photos") == [["[1,2]"]]
        assert stat.S_IMODE(again.data_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE(again.log_file.stat().st_mode) == 0o600
        assert sorted(path.name for path in folder.iterdir()) == ["pg", "pg.log"]
        assert again.sql(WHICH_CLUSTER) == made_first


def test_a_wrong_password_is_refused_and_not_repeated(postgres: EmbeddedPostgres) -> None:
    wrong = postgres.url().replace(postgres.password, "not-the-password")
    with pytest.raises(StackError, match="password authentication failed") as refusal:
        Psql(wrong).run("SELECT 1")
    assert "not-the-password" not in str(refusal.value)


def test_a_data_folder_of_another_version_is_refused(folder: Path) -> None:
    (folder / "pg").mkdir()
    (folder / "pg" / "PG_VERSION").write_text("16\n")
    with pytest.raises(StackError, match="written by PostgreSQL 16"):
        EmbeddedPostgres(folder / "pg").start()


def test_what_an_interrupted_initdb_left_is_thrown_away(folder: Path) -> None:
    (folder / "pg.new").mkdir()
    (folder / "pg.new" / "half").write_text("written")
    with EmbeddedPostgres(folder / "pg", options=UNSAFE_AND_FAST) as server:
        assert server.sql("SELECT 1") == [["1"]]
    assert not (folder / "pg.new").exists()


@pytest.mark.skipif(not ROOT, reason="needs root: only root must hand PostgreSQL to another account")
def test_programs_behind_a_closed_folder_are_copied_to_an_open_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = binaries.postgres_home().parent
    hidden = folder / "root's home"
    hidden.mkdir(mode=0o700)
    shutil.copytree(package / "pginstall18", hidden / package.name / "pginstall18", symlinks=True)
    libraries = package.with_name(package.name + ".libs")
    shutil.copytree(libraries, hidden / libraries.name)
    open_place = Path(tempfile.mkdtemp(prefix="trapper-open-"))
    open_place.chmod(0o755)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(open_place))
    monkeypatch.setattr(binaries, "postgres_home", lambda: hidden / package.name / "pginstall18")
    server = EmbeddedPostgres(folder / "pg", options=UNSAFE_AND_FAST)
    server.start()
    try:
        assert server.process is not None
        program = Path(f"/proc/{server.process.pid}/exe").readlink()
        assert server.sql("SELECT 1") == [["1"]]
    finally:
        server.stop()
    shutil.rmtree(open_place)
    assert program.is_relative_to(open_place)


@pytest.mark.skipif(not ROOT, reason="needs root, to become somebody else")
def test_the_servers_run_for_an_ordinary_user(folder: Path) -> None:
    python = "/usr/bin/python3"
    root = Path(__file__).parents[2]
    paths = [*sys.path, *(str(path) for path in root.glob("libs/*/src")), str(root / "deploy/standalone/src")]
    environment = {"PYTHONPATH": ":".join(paths), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath}
    run = partial(
        subprocess.run, env=environment, cwd="/", check=False, user="nobody", group="nogroup", extra_groups=[]
    )
    can = run([python, "-c", "import trapper_cli.servers.postgres"])
    if can.returncode:
        pytest.skip("this machine has no Python that an ordinary user can start with the project's packages")
    shutil.chown(folder, "nobody")
    code = (
        "import pathlib, sys\n"
        "from trapper_cli.servers.postgres import *\nfrom trapper_cli.servers.valkey import EmbeddedValkey\n"
        "place = pathlib.Path(sys.argv[1])\n"
        "with EmbeddedPostgres(place / 'pg', options=UNSAFE_AND_FAST) as server:\n"
        "    with EmbeddedValkey(place / 'valkey') as valkey:\n"
        "        print(server.sql('SELECT current_user')[0][0], valkey.is_ready())\n"
    )
    done = run([python, "-c", code, str(folder)], capture_output=True)
    assert done.stdout == b"postgres True\n", done.stderr


def test_valkey_keeps_its_data_and_keeps_notifications_apart_from_queues(folder: Path) -> None:
    with EmbeddedValkey(folder / "valkey") as server:
        with Redis.from_url(server.url) as inner:
            inner.set("queue", "work")
            assert inner.eval("return redis.call('get', KEYS[1])", 1, "queue") == b"work"
        with Redis.from_url(server.notifications_url) as notifier:
            notifier.eval("redis.call('rpush', KEYS[1] .. ':q', 'ding')", 1, "trapper_notifications")
            with pytest.raises(NoPermissionError):
                notifier.get("queue")
            with pytest.raises(NoPermissionError):
                notifier.flushall()
    again = EmbeddedValkey(folder / "valkey", password=server.password)
    with again, Redis.from_url(again.url) as inner:
        assert inner.get("queue") == b"work"
        assert inner.lrange("trapper_notifications:q", 0, -1) == [b"ding"]


def test_a_port_that_is_taken_is_named(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(StackError, match=r"Valkey did not start: (?s:.*)already in use"):
            EmbeddedValkey(folder / "valkey", port=other.getsockname()[1]).start()


@pytest.mark.parametrize(
    "url", ["mysql://u:hidden@h/d", "postgresql:///nothing", "postgresql://u:hidden@h:no-number/d"]
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StackError) as refusal:
        Psql(url)
    assert "hidden" not in str(refusal.value)


def test_an_address_is_shown_without_its_password() -> None:
    assert without_password("postgresql://me:p%40ss@host:1/db?ssl=1") == "postgresql://me@host:1/db?ssl=1"
