"""Statements about jobs that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "every resource of a closed job has an outcome": """
        select r.job_id from job_resources r join ai_classification_jobs j on j.id = r.job_id
        where j.stage in ('finished', 'failed', 'cancelled') and r.outcome = 'pending'""",
    "a job's total is the number of its resources": """
        select j.id from ai_classification_jobs j
        where j.total <> (select count(*) from job_resources r where r.job_id = j.id)""",
    "a closed job's counts agree with a recount": """
        select j.id from ai_classification_jobs j cross join lateral (
          select count(*) filter (where r.outcome = 'done') as done,
                 count(*) filter (where r.outcome = 'blank') as blank,
                 count(*) filter (where r.outcome = 'failed') as failed,
                 count(*) filter (where r.outcome = 'cancelled') as cancelled,
                 count(*) filter (where r.has_animals) as with_animals
          from job_resources r where r.job_id = j.id) c
        where j.stage in ('finished', 'failed', 'cancelled')
          and (j.done, j.blank, j.failed, j.cancelled, j.with_animals)
            is distinct from (c.done, c.blank, c.failed, c.cancelled, c.with_animals)""",
    "a resource that a job has taken is not due": """
        select r.resource_id from job_resources r join linked_collection_resources l
          on (l.linked_collection_id, l.resource_id) = (r.linked_collection_id, r.resource_id)
        where l.taken_at is null""",
    "the AI has ended for a resource whose job gave it an outcome": """
        select r.resource_id from job_resources r join linked_collection_resources l
          on (l.linked_collection_id, l.resource_id) = (r.linked_collection_id, r.resource_id)
        where r.outcome <> 'pending' and l.ai_ended_at is null""",
    "a stage after ingest is an operation of its job's project": """
        select s.job_id from job_stage_runs s join ai_classification_jobs j on j.id = s.job_id
          join operations o on o.id = s.operation_id
        where o.classification_project_id <> j.classification_project_id""",
}
