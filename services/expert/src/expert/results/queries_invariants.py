"""Statements about received batches that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "an applied batch gave exactly its resources an outcome": """
        select b.id from received_batches b where b.state = 'applied'
          and b.total <> (select count(*) from job_resources r where r.received_batch_id = b.id)""",
    "an applied batch's counts agree with a recount": """
        select b.id from received_batches b cross join lateral (
          select count(*) filter (where r.outcome = 'done') as done,
                 count(*) filter (where r.outcome = 'blank') as blank,
                 count(*) filter (where r.outcome = 'failed') as failed,
                 count(*) filter (where r.has_animals) as with_animals
          from job_resources r where r.received_batch_id = b.id) c
        where b.state = 'applied'
          and (b.done, b.blank, b.failed, b.with_animals)
            is distinct from (c.done, c.blank, c.failed, c.with_animals)""",
    "nothing was written for a batch that was refused, or not applied yet": """
        select c.id from classifications c join received_batches b on b.id = c.received_batch_id
        where b.times_applied = 0""",
    "a resource has one AI row per job": """
        select resource_id from classifications c join ai_classification_jobs j on j.id = c.job_id
        where c.type = 'ai' and j.job_config_version = 1
        group by resource_id, c.classification_project_id, c.job_id having count(*) > 1""",
    "an ai row names a configuration of its job": """
        select c.id from classifications c join ai_classification_jobs j on j.id = c.job_id
        where c.type = 'ai' and c.job_config_version > 1 and not exists (
          select 1 from ai_job_config_versions v where v.job_id = j.id and v.version = c.job_config_version)""",
    "a finished job has no batch left": """
        select j.id from ai_classification_jobs j join received_batches b on b.job_id = j.id
        where j.stage = 'finished' and (b.state <> 'applied' or b.acknowledged_at is null)""",
    "every received batch's blob is in the store": """
        select id from received_batches where blob_missing_at is not null""",
}
