"""Writes the SDK's models and filters from the Expert's committed contract; `--check` compares instead of writing."""

import copy
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "services" / "expert" / "openapi.json"
TARGET = ROOT / "libs" / "trapper_client" / "src" / "trapper_client"
METHODS = {"get", "post", "put", "patch", "delete"}
CHECKED_BY_SERVICE = {
    "title", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "examples",
}  # fmt: skip
COMMON = (
    "--input-file-type=openapi", "--target-python-version=3.11", "--formatters=ruff-format", "--disable-timestamp",
    "--collapse-root-models", "--use-standard-collections", "--use-union-operator", "--use-object-type",
    "--type-mappings=uuid=string", "--strict-nullable", "--output-datetime-class=datetime",
)  # fmt: skip
MODELS = (
    "--output-model-type=pydantic_v2.BaseModel", "--base-class=trapper_client.base.ContractModel", "--use-annotated",
    "--field-constraints", "--use-schema-description", "--capitalise-enum-members", "--naming-strategy=primary-first",
    "--set-default-enum-member", "--disable-future-imports",
)  # fmt: skip
FILTERS = (
    "--output-model-type=typing.TypedDict", "--openapi-scopes", "paths", "parameters",
    "--use-total-false-for-typed-dict", "--use-operation-id-as-name", "--enum-field-as-literal=all",
)  # fmt: skip


def generate() -> dict[str, str]:
    """The text of each generated file, by its name."""
    contract = json.loads(CONTRACT.read_text("utf-8"))
    filters = _run(_only_parameters(contract), *FILTERS)
    filters = filters.replace("ParametersQuery(", "Filters(").replace("from typing_extensions ", "from typing ")
    head = '"""{} Generated from services/expert/openapi.json by `make openapi`; not edited."""\n\n'
    return {
        "contract.py": head.format("Requests and replies of the Expert.") + _run(_plain(contract), *MODELS),
        "filters.py": head.format("Query parameters of the Expert by operation.") + filters,
    }


def _plain(schema: Any) -> Any:
    """A copy without titles, ranges and object defaults: the service checks values, and says more about them."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    dropped = CHECKED_BY_SERVICE - ({"minItems", "maxItems"} if "prefixItems" in schema else set())
    return {
        name: {key: _plain(value) for key, value in inner.items()} if name == "properties" else _plain(inner)
        for name, inner in schema.items()
        if name not in dropped and not (name == "default" and isinstance(inner, dict))
    }


def _only_parameters(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract without bodies, so that nothing but query parameters is generated."""
    document = copy.deepcopy(contract)
    for operations in document["paths"].values():
        for method in METHODS & operations.keys():
            operations[method].pop("requestBody", None)
            operations[method]["responses"] = {}
    return document


def _run(contract: dict[str, Any], *options: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "openapi.json"), Path(folder, "generated.py")
        source.write_text(json.dumps(contract), "utf-8")
        command = [sys.executable, "-m", "datamodel_code_generator", f"--input={source}", f"--output={target}"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # where ruff is
        subprocess.run([*command, *COMMON, *options], check=True, env=os.environ | {"PATH": path})  # noqa: S603
        return target.read_text("utf-8").partition("\n\n")[2].lstrip()


def main() -> int:
    """Write the files, or say which are stale."""
    stale = 0
    for name, text in generate().items():
        path = TARGET / name
        if "--check" not in sys.argv:
            path.write_text(text, "utf-8")
        elif not path.is_file() or path.read_text("utf-8") != text:
            print(f"{path.relative_to(ROOT)} is stale; run: make openapi")  # noqa: T201
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
