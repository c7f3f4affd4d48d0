"""Statements about observations that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "an AI observation has the label and score of its terminal prediction": """
        select o.id from observations o join predictions p on p.observation_id = o.id and p.terminal
        where o.classification_type = 'ai' and (o.taxon_id is distinct from p.taxon_id
          or coalesce(o.classification_confidence, o.detection_confidence) is distinct from p.score)""",
    "an observation with predictions has a terminal one": """
        select distinct p.observation_id from predictions p where not exists
          (select from predictions t where t.observation_id = p.observation_id and t.terminal)""",
    "observations have the values of their classification": """
        select o.id from observations o join classifications c on c.id = o.classification_id
        where (o.classification_project_id, o.resource_id, o.classification_type, o.is_current)
          is distinct from (c.classification_project_id, c.resource_id, c.type, c.superseded_by_id is null)
          or o.linked_collection_id is distinct from c.linked_collection_id""",
    "observations have the deployment and time of their resource": """
        select o.id from observations o join resources r on r.id = o.resource_id
        where (o.deployment_id, o.captured_at) is distinct from (r.deployment_id, r.captured_at)""",
}
