"""`python -m trapper_cli`: the standalone commands alone, without the rest of `trapper`."""

import typer

from trapper_cli.commands import register

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
register(app)

if __name__ == "__main__":
    app(prog_name="trapper")
