"""The arguments and options of `trapper run`."""

from pathlib import Path
from typing import Annotated

import typer

from trapper_cli.runs.complete import complete_detector, complete_species

Folder = Annotated[Path, typer.Argument(help="The folder of photos.", show_default=False)]
Detector = Annotated[
    str, typer.Option(envvar="TRAPPER_DETECTOR", help="A detector's name, or auto.", autocompletion=complete_detector)
]
Species = Annotated[
    str,
    typer.Option(
        envvar="TRAPPER_SPECIES", help="A species model's name, auto, or none.", autocompletion=complete_species
    ),
]
Out = Annotated[
    list[Path] | None,
    typer.Option(
        help="Also write a file: results.json (MegaDetector batch format 1.6) or a .csv. Repeatable.",
        show_default=False,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Let --out replace a file with other content.")]
CsvBom = Annotated[
    bool,
    typer.Option(
        "--csv-bom", envvar="TRAPPER_CSV_BOM", help="Begin a .csv with a byte order mark, for spreadsheet programs."
    ),
]
DeploymentName = Annotated[
    str | None,
    typer.Option("--deployment", metavar="NAME", help="All photos are of this one deployment.", show_default=False),
]
DeploymentsFrom = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="LEVEL",
        help="Folders at this level are the deployments; 1 is directly below FOLDER.",
        show_default=False,
    ),
]
SequenceInterval = Annotated[
    int, typer.Option(envvar="TRAPPER_SEQUENCE_INTERVAL", min=1, help="Seconds without a photo that end a sequence.")
]
ReadTimeout = Annotated[
    float, typer.Option(envvar="TRAPPER_READ_TIMEOUT", min=1, help="Seconds after which a read that hangs is given up.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print which folder is which deployment, and send nothing.")]
Once = Annotated[bool, typer.Option("--once", help="Stop a stack that this command started, and ask no questions.")]
