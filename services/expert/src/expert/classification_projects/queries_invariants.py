"""Statements about linked collections that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "every resource of a linked collection is known to the link": """
        select distinct c.resource_id from classification_project_collections l
        join collection_resources c on c.collection_id = l.collection_id
        where not exists (select from linked_collection_resources r
          where r.linked_collection_id = l.id and r.resource_id = c.resource_id)""",
    "every resource of a link lies in its collection": """
        select r.resource_id from linked_collection_resources r
        join classification_project_collections l on l.id = r.linked_collection_id
        where not exists (select from collection_resources c
          where c.collection_id = l.collection_id and c.resource_id = r.resource_id)""",
    "the AI ends only for what a job took": """
        select resource_id from linked_collection_resources where ai_ended_at is not null and taken_at is null""",
}
