"""`trapper deployments`: visits of cameras to places."""

import typer

from trapper_client.commands.rows import Noun, add_row_commands

group = typer.Typer(help="Deployments: visits of cameras to places.", no_args_is_help=True)
DEPLOYMENT = Noun(
    singular="deployment",
    path="/api/deployments/",
    key="deployment_id",
    columns=("deployment_id", "location_id", "start_at", "end_at", "camera_id", "is_active", "comments"),
    example="N1-2025 --set camera_id=C7 --set start_at=2025-03-01T08:00:00Z",
    archives="its photos are archived with it, and no AI or list takes them.",
)
add_row_commands(group, DEPLOYMENT)
