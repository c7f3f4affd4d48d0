"""The worker may be installed alone: its wheel carries the migrations of its own file."""

import os
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

SERVICE = Path(__file__).parents[3] / "services" / "ai_worker"


def test_an_installed_worker_brings_its_own_file_up_to_date(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=SERVICE, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site" / "packages"
    zipfile.ZipFile(wheel).extractall(site)
    script = (
        "import sys, pathlib, ai_worker.tables as tables\n"
        "assert tables.__file__.startswith(sys.argv[1]), tables.__file__\n"
        "tables.migrate(pathlib.Path(sys.argv[2]))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    file = tmp_path / "worker.sqlite3"
    subprocess.run([sys.executable, "-c", script, str(site), str(file)], check=True, cwd=tmp_path, env=environment)
    connection = sqlite3.connect(file)
    tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
    connection.close()
    assert {"runs", "kept_results"} <= tables
