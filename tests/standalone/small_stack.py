"""A supervisor over a table of small Python programs: FOLDER, and the table as JSON."""

import json
import signal
import sys
import time
from pathlib import Path

from trapper_cli import private_files
from trapper_cli.errors import StackError
from trapper_cli.supervision.guard_link import GuardLink
from trapper_cli.supervision.program import program
from trapper_cli.supervision.supervisor import Supervisor

PATIENCE = 60


def main() -> int:
    folder, table = Path(sys.argv[1]), json.loads(sys.argv[2])
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))

    def show() -> None:
        private_files.write_json(folder / "pids.json", {each.name: each.pid for each in supervisor.processes})

    guard = GuardLink(folder / "guard.log", grace=1)
    supervisor = Supervisor(guard, show)
    supervisor.start(
        program(
            row["name"],
            [sys.executable, "-c", row["code"], *row["arguments"]],
            stage=stage,
            env={},
            log_file=folder / f"{row['name']}.log",
            settle=0.2,
            grace=1,
        )
        for stage, row in enumerate(table)
    )
    try:
        names = [row["name"] for row in table]
        supervisor.wait_ready(names, deadline=time.monotonic() + PATIENCE, stopped=lambda: bool(stopped))
        (folder / "phase").write_text("running")
        while not stopped:
            supervisor.tick()
            time.sleep(0.02)
    except StackError as problem:
        (folder / "phase").write_text(str(problem))
        return 1
    finally:
        supervisor.stop_all()
        guard.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
