"""`make audit` tells apart: nothing known, something known, and a service of advisories that gives no answer."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parents[2]
PIN = f"idna==3.11 --hash=sha256:{'0' * 64}\n"


class Advisories(BaseHTTPRequestHandler):
    """An OSV service that knows of one package."""

    vulnerable = ""

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = query["package"]["name"]
        affected = {
            "package": {"name": name, "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "4.0"}]}],
        }
        known = [{"id": "PYSEC-1", "summary": "bad", "details": "bad", "affected": [affected]}]
        body = json.dumps({"vulns": known} if name == self.vulnerable else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Nothing: the test reads the output."""


@pytest.fixture
def osv_url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Advisories) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


def audit(lock: Path, url: str) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / "deploy/audit.py"), "--lock", str(lock), "--osv-url", url]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("vulnerable", "expected"), [("", (0, "no known")), ("idna", (1, "idna 3.11: PYSEC-1, mended in ['4.0']"))]
)
def test_advisories_decide_the_exit_status(
    osv_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vulnerable: str, expected: tuple[int, str]
) -> None:
    monkeypatch.setattr(Advisories, "vulnerable", vulnerable)
    lock = tmp_path / "one.lock"
    lock.write_text(PIN)
    status, output = audit(lock, osv_url)
    assert status == expected[0], output
    assert expected[1] in output


def test_service_that_cannot_be_reached_is_no_clean_bill(tmp_path: Path) -> None:
    lock = tmp_path / "one.lock"
    lock.write_text(PIN)
    status, output = audit(lock, "http://127.0.0.1:9/v1/query")
    assert status == 3
    assert "did not answer" in output
    assert "Traceback" not in output


def test_every_lock_becomes_a_bill_of_materials(tmp_path: Path) -> None:
    lock = ROOT / "deploy/locks/build.lock"
    path = tmp_path / "build.cdx.json"
    tool = Path(sys.executable).parent / "cyclonedx-py"
    subprocess.run([tool, "requirements", "--output-reproducible", "-o", path, lock], check=True, capture_output=True)
    document = json.loads(path.read_text("utf-8"))
    assert document["bomFormat"] == "CycloneDX"
    pins = [line.split("==")[0] for line in lock.read_text("utf-8").splitlines() if line[:1].isalnum()]
    assert sorted(component["name"] for component in document["components"]) == sorted(pins)
    assert all(component["externalReferences"][0]["hashes"] for component in document["components"])
