"""Invariant checks about people and roles."""

INVARIANTS: dict[str, str] = {
    "a research project has an owner": """
        select p.id from research_projects p where not exists (
          select from research_memberships m where m.research_project_id = p.id and m.role = 'owner')""",
    "an active person was activated": """
        select id from users where is_active and activated_at is null""",
}
