"""Statements about occurrences that must find nothing; `doctor` and the tests run them."""

from expert.occurrences.queries_determine import DIFFERING

INVARIANTS: dict[str, str] = {
    "every current AI object observation is in an occurrence": """
        select id from observations where classification_type = 'ai' and is_current
          and observation_level = 'object' and occurrence_id is null""",
    "only objects are in occurrences": """
        select id from observations where occurrence_id is not null and observation_level <> 'object'""",
    "an occurrence and its observations are of one project": """
        select o.id from observations o join occurrences c on c.id = o.occurrence_id
        where o.classification_project_id <> c.classification_project_id""",
    "every object of an approved row is in an occurrence": """
        select o.id from observations o
          join classifications f on f.source_classification_id = o.classification_id and f.type = 'final'
        where o.observation_level = 'object' and o.occurrence_id is null""",
    "a replaced identification is followed by one of the same person and occurrence": """
        select i.id from identifications i join identifications n on n.id = i.replaced_by_id
        where (i.occurrence_id, i.created_by) <> (n.occurrence_id, n.created_by)""",
    "the determination of an occurrence is what the rule gives": DIFFERING,
}
