"""Statements about classifications that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "one final row per resource and project": """
        select resource_id from classifications where type = 'final'
        group by resource_id, classification_project_id having count(*) > 1""",
    "every row belongs to the final row of its resource and project": """
        select c.id from classifications c join classifications f on f.id = c.final_classification_id
        where (f.type, f.resource_id, f.classification_project_id)
          is distinct from ('final', c.resource_id, c.classification_project_id)""",
    "one current AI row per resource, project and provider": """
        select resource_id from classifications where type = 'ai' and superseded_by_id is null
        group by resource_id, classification_project_id, provider_id having count(*) > 1""",
    "a superseded AI row is followed by one of the same resource, project and provider": """
        select c.id from classifications c join classifications s on s.id = c.superseded_by_id
        where (s.resource_id, s.classification_project_id, s.provider_id)
          is distinct from (c.resource_id, c.classification_project_id, c.provider_id)""",
    "an approved row is an AI or a person's row of its resource, and locked": """
        select f.id from classifications f join classifications s on s.id = f.source_classification_id
        where f.type = 'final' and (s.type not in ('ai', 'user') or s.locked_at is null
          or s.final_classification_id is distinct from f.id)""",
    "the approval of a final row is its current entry in the log of approvals": """
        select f.id from classifications f
        left join approvals a on a.final_classification_id = f.id and a.ended_at is null
        where f.type = 'final' and (f.source_classification_id, f.approved_by_id, f.approved_at)
          is distinct from (a.classification_id, a.approved_by_id, a.approved_at)""",
    "a blank observation stands alone in its row": """
        select classification_id from observations group by classification_id
        having count(*) > 1 and bool_or(observation_type = 'blank')""",
    "a final row has no observations of its own, every other row has some": """
        select c.id from classifications c
        where (c.type = 'final') = exists (select from observations o where o.classification_id = c.id)""",
}
