"""`trapper postprocess`: methods that clean up what models predicted."""

import typer

group = typer.Typer(help="Post-processing: methods that clean up what models predicted.", no_args_is_help=True)
