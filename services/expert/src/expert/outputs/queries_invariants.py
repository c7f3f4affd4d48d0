"""Statements about embeddings that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "features that a job asks for are stored of every current object": """
        select o.id from received_batches b
          join ai_classification_jobs j on j.id = b.job_id
            and j.job_config ->> 'embedding_algorithm_id' = b.features_algorithm_id::text
          join pg_inherits i on i.inhparent = 'embeddings'::regclass
            and i.inhrelid = to_regclass('embeddings_' || replace(b.features_algorithm_id::text, '-', ''))
          join classifications c on c.received_batch_id = b.id and c.superseded_by_id is null
          join observations o on o.classification_id = c.id
          join predictions p on p.observation_id = o.id and p.output_row is not null and p.applied_to_id is null
        where b.state = 'applied'
          and not exists (select from embeddings e
            where e.algorithm_id = b.features_algorithm_id and e.observation_id = o.id)""",
}
