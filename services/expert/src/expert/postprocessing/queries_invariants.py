"""Statements about runs that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "a prediction was applied to one of the same observation": """
        select p.id from predictions p join predictions s on s.id = p.applied_to_id
        where s.observation_id <> p.observation_id""",
    "a run that is undone has no changes left, and a dry run none at all": """
        select r.operation_id from postprocessing_runs r where (r.undone_at is not null or r.dry_run)
          and (exists (select from prediction_changes c where c.operation_id = r.operation_id)
            or exists (select from determination_changes d where d.operation_id = r.operation_id))""",
    "what a run made and nothing undid was applied to another prediction": """
        select c.operation_id from prediction_changes c join predictions p on p.id = c.after_id
        where c.is_new and p.applied_to_id is null""",
}
