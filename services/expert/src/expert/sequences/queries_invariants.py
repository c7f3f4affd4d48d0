"""Statements about sequences that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "a sequence counts its members, from the first to the last": """
        select s.id from sequences s left join lateral (
          select count(*) as members, min(captured_at) as first_at, max(captured_at) as last_at
          from sequence_members where sequence_id = s.id) m on true
        where (s.resource_count, s.first_at, s.last_at) is distinct from (m.members::int, m.first_at, m.last_at)""",
    "members are of the deployment and method of their sequence": """
        select m.resource_id from sequence_members m join sequences s on s.id = m.sequence_id
        where (m.linked_collection_id, m.deployment_id, m.is_time_lapse)
          is distinct from (s.linked_collection_id, s.deployment_id, s.is_time_lapse)""",
    "every resource with a time and a deployment is in one sequence of each link, or about to be": """
        select l.resource_id from linked_collection_resources l
          join resources r on r.id = l.resource_id
          join link_sequences b on b.linked_collection_id = l.linked_collection_id and b.built_at is not null
          left join sequence_members m
            on m.linked_collection_id = l.linked_collection_id and m.resource_id = l.resource_id
        where (r.state = 'described' and r.is_active and r.captured_at is not null and r.deployment_id is not null)
            is distinct from (m.resource_id is not null)
          and not exists (select from sequence_changes c
            where c.linked_collection_id = l.linked_collection_id and c.resource_id = l.resource_id)""",
}
