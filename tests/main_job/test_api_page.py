"""The commands of docs/api.md take a photo through the AI, as they stand on the page."""

import os
import re
import shutil
import subprocess

import pytest

from tests.main_job.trapper import COMMAND, MARKS, ROOT, SAMPLE, Trapper

pytestmark = MARKS
NEEDED = ("curl", "jq")
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_commands_of_the_page_end_with_an_approved_row_and_a_changed_deployment(stack: Trapper) -> None:
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent and os.environ.get("CI") != "true":
        pytest.skip(f"not installed on this machine: {', '.join(absent)}")
    commands = BLOCK.findall((ROOT / "docs" / "api.md").read_text("utf-8"))
    environment = {
        **stack.environment(),
        "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
        "PHOTO": str(SAMPLE / "forest-edge" / "IMG_0002.JPG"),
    }
    completed = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
        env=environment, cwd=stack.place, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert completed.returncode == 0, completed.stdout + completed.stderr
    lines = completed.stdout.split()
    assert lines[0] == "active"
    assert "the job is finished" in completed.stdout
    assert '"is_approved": true' in completed.stdout
    assert '"habitat": "meadow"' in completed.stdout
