"""Counts of linked collections, and triggers that note which resources may count as something else now"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

COUNTERS = "resources with_ai by_people approved in_review failed blank observations".split()
KEY = "linked_collection_id facet deployment_id local_day local_hour source observation_type taxon_id".split()

LOCAL_TIME = """create function counts_local_time(moment timestamptz, zone text) returns timestamp
    language plpgsql stable as $$
    begin
      return moment at time zone coalesce(zone, 'UTC');
    exception when invalid_parameter_value then
      return moment at time zone 'UTC';
    end $$"""

NOTE = "insert into count_changes (classification_project_id, resource_id)"


def differ(columns: str) -> str:
    former, latter = (", ".join(f"{alias}.{column}" for column in columns.split()) for alias in "fl")
    return f"({former}) is distinct from ({latter})"


CHANGES = {
    "linked_collection_resources": {
        "insert": "select c.classification_project_id, l.resource_id from latter l"
        " join classification_project_collections c on c.id = l.linked_collection_id",
        "update": "select c.classification_project_id, l.resource_id"
        " from former f join latter l using (linked_collection_id, resource_id)"
        " join classification_project_collections c on c.id = l.linked_collection_id"
        " where f.ai_ended_at is null and l.ai_ended_at is not null"
        " or f.ai_ended_at is not null and l.ai_ended_at is null",
        "delete": "select c.classification_project_id, f.resource_id from former f"
        " join classification_project_collections c on c.id = f.linked_collection_id",
    },
    "classifications": {
        "insert": "select classification_project_id, resource_id from latter where type in ('ai', 'user')",
        "update": "select l.classification_project_id, l.resource_id from former f join latter l using (id)"
        f" where {differ('type source_classification_id is_approved superseded_by_id')}"
        " or l.type = 'user' and f.updated_at is distinct from l.updated_at",
        "delete": "select classification_project_id, resource_id from former",
    },
    "observations": {
        "update": "select l.classification_project_id, l.resource_id from former f join latter l using (id)"
        f" where {differ('classification_id observation_type taxon_id')}",
        "delete": "select classification_project_id, resource_id from former",
    },
    "resources": {
        "update": "select c.classification_project_id, l.id from former f join latter l using (id)"
        " join linked_collection_resources m on m.resource_id = l.id"
        " join classification_project_collections c on c.id = m.linked_collection_id"
        f" where {differ('deployment_id captured_at is_active')} or (f.state = 'unreadable') <> (l.state = 'unreadable')",
    },
    "classification_project_collections": {
        "update": "select l.classification_project_id, m.resource_id from former f join latter l using (id)"
        " join linked_collection_resources m on m.linked_collection_id = l.id"
        f" where {differ('consented_at revoked_at')}",
    },
    "collections": {
        "update": "select c.classification_project_id, m.resource_id from former f join latter l using (id)"
        " join classification_project_collections c on c.collection_id = l.id"
        " join linked_collection_resources m on m.linked_collection_id = c.id"
        f" where {differ('visibility')}",
    },
    "deployments": {
        "update": "select c.classification_project_id, m.resource_id from former f join latter l using (id)"
        " join resources r on r.deployment_id = l.id"
        " join linked_collection_resources m on m.resource_id = r.id"
        " join classification_project_collections c on c.id = m.linked_collection_id"
        f" where {differ('location_id')}",
    },
    "locations": {
        "update": "select c.classification_project_id, m.resource_id from former f join latter l using (id)"
        " join deployments d on d.location_id = l.id"
        " join resources r on r.deployment_id = d.id"
        " join linked_collection_resources m on m.resource_id = r.id"
        " join classification_project_collections c on c.id = m.linked_collection_id"
        f" where {differ('time_zone')}",
    },
}
"""By table and event: the resources that may count as something else, from the rows before and after."""
TABLES = {"insert": "new table as latter", "update": "old table as former new table as latter",
          "delete": "old table as former"}  # fmt: skip


def upgrade() -> None:
    op.create_table('count_changes',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('classification_project_id', sa.Uuid(), nullable=False),
    sa.Column('resource_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('count_changes_pkey'))
    )
    op.create_index('count_changes_project_idx', 'count_changes', ['classification_project_id', 'id'], unique=False)
    op.create_table('counted_resources',
    sa.Column('classification_project_id', sa.Uuid(), nullable=False),
    sa.Column('resource_id', sa.Uuid(), nullable=False),
    sa.Column('linked_collection_id', sa.Uuid(), nullable=False),
    sa.Column('deployment_id', sa.Uuid(), nullable=True),
    sa.Column('local_day', sa.Date(), nullable=True),
    sa.Column('local_hour', sa.SmallInteger(), nullable=True),
    *(sa.Column(name, sa.Boolean(), nullable=False) for name in COUNTERS[1:-1]),
    sa.Column('observations', sa.Integer(), nullable=False),
    sa.Column('labels', postgresql.JSONB(), nullable=False),
    sa.ForeignKeyConstraint(['classification_project_id'], ['classification_projects.id'], name=op.f('counted_resources_classification_project_id_fkey')),
    sa.ForeignKeyConstraint(['linked_collection_id'], ['classification_project_collections.id'], name=op.f('counted_resources_linked_collection_id_fkey')),
    sa.ForeignKeyConstraint(['resource_id'], ['resources.id'], name=op.f('counted_resources_resource_id_fkey')),
    sa.PrimaryKeyConstraint('classification_project_id', 'resource_id', name=op.f('counted_resources_pkey'))
    )
    op.create_index(op.f('counted_resources_linked_collection_id_idx'), 'counted_resources', ['linked_collection_id'], unique=False)
    op.create_index(op.f('counted_resources_resource_id_idx'), 'counted_resources', ['resource_id'], unique=False)
    op.create_table('project_counts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('linked_collection_id', sa.Uuid(), nullable=False),
    sa.Column('facet', sa.Enum('deployment', 'day', 'hour', 'label', name='facet', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('deployment_id', sa.Uuid(), nullable=True),
    sa.Column('local_day', sa.Date(), nullable=True),
    sa.Column('local_hour', sa.SmallInteger(), nullable=True),
    sa.Column('source', sa.Enum('ai', 'approved', name='source', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('observation_type', sa.Enum('animal', 'human', 'vehicle', 'blank', 'unknown', 'unclassified', name='observationtype', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('taxon_id', sa.Uuid(), nullable=True),
    *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTERS),
    sa.ForeignKeyConstraint(['linked_collection_id'], ['classification_project_collections.id'], name=op.f('project_counts_linked_collection_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('project_counts_pkey'))
    )
    op.create_index('project_counts_key', 'project_counts', KEY, unique=True, postgresql_nulls_not_distinct=True)
    op.execute(LOCAL_TIME)
    for table, events in CHANGES.items():
        for event, changed in events.items():
            op.execute(f"""create function {table}_note_counts_{event}() returns trigger language plpgsql as $$
    begin
      {NOTE} {changed};
      return null;
    end $$""")
            op.execute(
                f"create trigger {table}_note_counts_{event} after {event} on {table} referencing {TABLES[event]} "
                f"for each statement execute function {table}_note_counts_{event}()"
            )
    op.execute(
        f"{NOTE} select distinct l.classification_project_id, m.resource_id from linked_collection_resources m "
        "join classification_project_collections l on l.id = m.linked_collection_id"
    )


def downgrade() -> None:
    for table, events in CHANGES.items():
        for event in events:
            op.execute(f"drop trigger {table}_note_counts_{event} on {table}")
            op.execute(f"drop function {table}_note_counts_{event}()")
    op.execute("drop function counts_local_time(timestamptz, text)")
    op.drop_table('project_counts')
    op.drop_table('counted_resources')
    op.drop_table('count_changes')
