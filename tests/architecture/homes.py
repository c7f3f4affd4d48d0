"""A contract for import-linter: a library may be imported by the modules that are its home, and by no other."""

from fnmatch import fnmatchcase
from typing import Any

from importlinter import Contract, ContractCheck, fields, output


class Homes(Contract):
    """`*` in a home may stand for a part of a name, unlike in import-linter's own wildcards."""

    libraries: Any = fields.ListField(subfield=fields.StringField())
    homes: Any = fields.ListField(subfield=fields.StringField())

    def check(self, graph: Any, verbose: bool) -> ContractCheck:  # noqa: ARG002 - import-linter's signature
        """Find the direct imports of each library that come from elsewhere."""
        strays = [
            f"{module} imports {library}"
            for library in self.libraries
            if library in graph.modules
            for module in sorted(graph.find_modules_that_directly_import(library))
            if not any(fnmatchcase(module, home) for home in self.homes)
        ]
        return ContractCheck(kept=not strays, metadata={"strays": strays})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name every stray import."""
        for stray in check.metadata["strays"]:
            output.print_error(stray)
