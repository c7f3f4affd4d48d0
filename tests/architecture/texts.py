"""Collects every text that a person meets: help, prompts, table heads, progress labels, failures, problem details."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).parents[2]
SNAPSHOT = ROOT / "docs" / "texts.txt"
FOLDERS = ("libs/*/src", "services/*/src", "deploy/*/src")
SHOWN = {
    "say",
    "tell",
    "table",
    "counting",
    "confirm",
    "prompt",
    "warn",
    "echo",
    "field",
    "FieldError",
    "_fail",
    "fail",
}
"""Functions whose texts are shown to people."""
BUILDERS = {"Rule", "_error", "_field_error", "_check", "_refuse", "command", "add_parser", "_whole_has_no"}
"""Functions that build what is shown: rules, field errors, checks of `doctor`, commands of the services."""
VALUES = {"message", "why", "reason", "advice", "complaint"}
"""Variables of which a text is shown later."""
TABLES = {"INVARIANTS"}
"""Dictionaries whose keys are shown as the names of checks."""
KEYWORDS = {"help", "hint", "message", "detail", "empty", "title", "epilog", "what_to_do"}
_CODE = re.compile(
    r"is (?:not )?null|\b(?:select|between|in \(|update|insert into|delete from)\b|<|'self'|_id, |^/|/\w+/|^\w{40}"
)
INTERNAL = {"AssertionError", "RuntimeError", "NotImplementedError", "StopIteration", "KeyError", "TypeError"}
"""Exceptions that only developers meet."""


def texts() -> str:
    """The whole snapshot."""
    return "\n".join([*_of_commands(), *_of_code()]) + "\n"


def _of_commands() -> Iterator[str]:
    from trapper_client.app import app, load_commands

    load_commands()
    yield "# The trapper command"
    yield from _of_command(typer.main.get_command(app), "trapper")


def _of_command(command: Any, path: str) -> Iterator[str]:
    yield ""
    yield f"## {path}"
    yield from (line.strip() for line in (command.help or "").splitlines() if line.strip())
    for parameter in (each for each in command.params if each.name != "as_json"):
        names = ", ".join([*parameter.opts, *parameter.secondary_opts])
        text = getattr(parameter, "help", None) or ""
        yield f"  {parameter.metavar or names}: {text}"
    for name, below in sorted(getattr(command, "commands", {}).items()):
        yield from _of_command(below, f"{path} {name}")


def _of_code() -> Iterator[str]:
    for pattern in FOLDERS:
        for path in sorted(file for folder in ROOT.glob(pattern) for file in folder.rglob("*.py")):
            lines = sorted(set(_in_module(ast.parse(path.read_text("utf-8")))))
            if lines:
                yield ""
                yield f"# {path.relative_to(ROOT)}"
                yield from lines


def _in_module(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call() as call) if _name(call) not in INTERNAL:
                yield from _strings(call.args)
            case ast.Call():
                yield from _in_call(node)
            case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
                yield from _sentences([value])
            case ast.Assign(targets=targets, value=value):
                yield from _in_assignment(targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield from _in_assignment([target], value)
            case _:
                pass


def _in_call(call: ast.Call) -> Iterator[str]:
    if _name(call) in SHOWN:
        yield from _strings(call.args)
    if _name(call) in BUILDERS:
        yield from (
            text for text in _strings(call.args) if " " in text and " | " not in text and not _CODE.search(text)
        )
    yield from _strings(keyword.value for keyword in call.keywords if keyword.arg in KEYWORDS)


def _in_assignment(targets: list[ast.expr], value: ast.expr) -> Iterator[str]:
    names = {_target(each) for each in targets}
    if names & TABLES and isinstance(value, ast.Dict):
        yield from _strings([key for key in value.keys if key is not None])
    elif names & VALUES or "title" in names:
        yield from _strings([value])
    elif any(name.isupper() for name in names):
        yield from _sentences([value])


def _sentences(nodes: list[ast.expr]) -> Iterator[str]:
    """Texts of at least four words that are no SQL or HTML: a message that a function returns, or a constant."""
    for text in _strings(
        [node for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr | ast.IfExp | ast.BinOp)]
    ):
        plain = re.sub(r"\{.*?\}", "", text)
        if len(re.findall(r"[A-Za-z]{2,}", plain)) >= 4 and not _CODE.search(plain):
            yield text


def _strings(nodes: "Iterator[ast.expr] | list[ast.expr]") -> Iterator[str]:
    """Texts with at least two words, or a head of a table; what is put into them in braces."""
    for node in nodes:
        match node:
            case ast.Constant(value=str(text)) if text.strip():
                yield _line(text)
            case ast.JoinedStr():
                yield _line("".join(_part(value) for value in node.values))
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                heads = [each.value for each in elements if isinstance(each, ast.Constant) and each.value]
                if heads:
                    yield _line(" | ".join(map(str, heads)))
            case ast.IfExp(body=body, orelse=orelse):
                yield from _strings([body, orelse])
            case ast.BinOp(left=left, right=right):
                yield from _strings([left, right])
            case _:
                pass


def _part(value: ast.expr) -> str:
    if isinstance(value, ast.Constant):
        return str(value.value)
    return "{" + ast.unparse(value.value if isinstance(value, ast.FormattedValue) else value) + "}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _target(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


if __name__ == "__main__":
    SNAPSHOT.write_text(texts(), "utf-8")
    sys.stdout.write(f"written: {SNAPSHOT.relative_to(ROOT)}\n")
