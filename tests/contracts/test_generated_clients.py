"""Clients are generated from the committed contracts by the usual tools: no warning, nothing dropped."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

ROOT = Path(__file__).parents[2]
SERVICES = ("expert", "ai_manager", "ai_worker")
NPM_FILES = ("package.json", "package-lock.json")


def _path(service: str) -> Path:
    return ROOT / "services" / service / "openapi.json"


def _contract(service: str) -> dict[str, Any]:
    return json.loads(_path(service).read_text("utf-8"))


def _operations(service: str) -> list[str]:
    return [operation["operationId"] for path in _contract(service)["paths"].values() for operation in path.values()]


def _run(*command: str | Path, cwd: Path) -> str:
    """The output of a command that succeeds; its standard error counts as output."""
    completed = subprocess.run(
        [str(part) for part in command],
        check=False,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    assert completed.returncode == 0, completed.stdout
    return completed.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_contract_is_valid_openapi(service: str) -> None:
    validate(_contract(service))


@pytest.mark.parametrize("service", SERVICES)
def test_python_client_has_every_operation_and_schema(service: str, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"post_hooks": []}), "utf-8")
    output = _run(
        sys.executable, "-m", "openapi_python_client", "generate", "--path", _path(service), "--config", config,
        "--output-path", tmp_path / "client", "--meta", "none", "--fail-on-warning", cwd=tmp_path,
    )  # fmt: skip
    assert "warning" not in output.lower()
    modules = [path for path in (tmp_path / "client" / "api").glob("*/*.py") if path.name != "__init__.py"]
    assert len(modules) == len(_operations(service))
    classes = (tmp_path / "client" / "models" / "__init__.py").read_text("utf-8")
    schemas = _contract(service)["components"]["schemas"]
    assert [name for name in schemas if f'    "{name}",\n' not in classes] == []


@pytest.mark.parametrize("service", SERVICES)
def test_pydantic_models_have_every_schema(service: str, tmp_path: Path) -> None:
    output = _run(
        sys.executable, "-W", "error", "-m", "datamodel_code_generator", "--input", _path(service),
        "--input-file-type", "openapi", "--output-model-type", "pydantic_v2.BaseModel", "--use-annotated",
        "--formatters", "builtin",
        "--output", tmp_path / "models.py", cwd=tmp_path,
    )  # fmt: skip
    assert output == ""
    models = (tmp_path / "models.py").read_text("utf-8")
    schemas = _contract(service)["components"]["schemas"]
    assert [name for name in schemas if f"\nclass {name}(" not in models] == []


@pytest.fixture(scope="session")
def openapi_typescript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the pinned generator of TypeScript is installed."""
    if shutil.which("npm") is None and os.environ.get("CI") != "true":
        pytest.skip("npm is not installed on this machine")
    folder = tmp_path_factory.mktemp("npm")
    for name in NPM_FILES:
        shutil.copy(Path(__file__).parent / name, folder)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    return folder


@pytest.mark.parametrize("service", SERVICES)
def test_typescript_types_have_every_operation_and_schema(
    service: str, openapi_typescript: Path, tmp_path: Path
) -> None:
    types = tmp_path / "types.ts"
    output = _run(
        "node", "node_modules/openapi-typescript/bin/cli.js", _path(service), "--output", types, cwd=openapi_typescript
    )
    assert "warn" not in output.lower()
    text = types.read_text("utf-8")
    assert [name for name in _operations(service) if f"\n    {name}: {{" not in text] == []
    schemas = _contract(service)["components"]["schemas"]
    assert [name for name in schemas if f"\n        {name}: " not in text] == []


def test_npm_lock_names_no_registry() -> None:
    lock = json.loads((Path(__file__).parent / "package-lock.json").read_text("utf-8"))
    packages = [package for name, package in lock["packages"].items() if name]
    assert all("resolved" not in package and package["integrity"].startswith("sha512-") for package in packages)
