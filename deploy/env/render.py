"""Writes the example environment of a service from its settings class: `python deploy/env/render.py expert`."""

import importlib
import sys
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

CLASSES = {
    "expert": ("expert.settings", "ExpertSettings"),
    "ai_manager": ("ai_manager.settings", "Settings"),
    "ai_worker": ("ai_worker.settings", "WorkerSettings"),
}


def lines(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """A comment and an assignment per setting; what has a default is commented out."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield ""
            yield from lines(field.annotation, f"{prefix}{name.upper()}__")
            continue
        default = field.get_default(call_default_factory=True, validated_data={})
        needed = default is PydanticUndefined
        text = "" if needed or default is None else default
        yield f"# {field.description or name}"
        yield f"{'' if needed else '# '}{prefix}{name.upper()}={str(text).replace(chr(39), chr(34))}"


if __name__ == "__main__":
    for service in sys.argv[1:]:
        module, name = CLASSES[service]
        cls = getattr(importlib.import_module(module), name)
        print(f"# Settings of {service}; a line behind '#' shows the default.")  # noqa: T201 - this is what it is for
        print("\n".join(lines(cls, cls.model_config["env_prefix"])))  # noqa: T201 - the same
