"""`trapper projects`: research projects and their classification projects."""

import typer

from trapper_client.output import Json, answer, table
from trapper_client.stack import connect

group = typer.Typer(help="Projects: who looks at which photos, with which models.", no_args_is_help=True)


@group.command("list")
def list_projects(*, as_json: Json = False) -> None:
    """Lists the classification projects with their research projects and models."""
    with connect() as expert:
        research = {project.id: project for project in expert.research_projects()}
        models = {provider.id: provider.name for provider in expert.providers()}
        projects = list(expert.classification_projects())
    rows = [
        {
            "id": project.id,
            "slug": project.slug,
            "name": project.name,
            "research_project": owner.name if (owner := research.get(project.research_project_id)) else None,
            "status": project.status,
            "detector": models.get(project.object_detection_ai_model or ""),
            "species": models.get(project.species_ai_model or ""),
        }
        for project in projects
    ]
    if as_json:
        answer(rows)
    else:
        shown = ("slug", "name", "research_project", "status", "detector", "species")
        table(shown, ([row[key] for key in shown] for row in rows), empty="There is no project yet: trapper run FOLDER")
