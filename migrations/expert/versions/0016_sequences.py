"""Sequences, what people marked in them, and triggers that note which resources have changed"""

import sqlalchemy as sa
from alembic import op


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

CHAINED_BY = "captured_at deployment_id state is_active capture_method".split()


def row(alias: str) -> str:
    return f"row({', '.join(f'{alias}.{column}' for column in CHAINED_BY)})"


LINKED = """create function sequences_note_linked() returns trigger language plpgsql as $$
    begin
      insert into sequence_changes (linked_collection_id, resource_id)
      select linked_collection_id, resource_id from latter order by 1, 2 on conflict do nothing;
      return null;
    end $$"""
MOVED = f"""create function sequences_note_moved() returns trigger language plpgsql as $$
    begin
      insert into sequence_changes (linked_collection_id, resource_id)
      select r.linked_collection_id, r.resource_id from former f join latter l using (id)
        join linked_collection_resources r on r.resource_id = l.id
      where {row('f')} is distinct from {row('l')}
      order by 1, 2 on conflict do nothing;
      return null;
    end $$"""


def upgrade() -> None:
    op.create_table('sequence_changes',
    sa.Column('linked_collection_id', sa.Uuid(), nullable=False),
    sa.Column('resource_id', sa.Uuid(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('linked_collection_id', 'resource_id', name=op.f('sequence_changes_pkey'))
    )
    op.create_index('sequence_changes_order_idx', 'sequence_changes', ['linked_collection_id', 'changed_at'], unique=False)
    op.create_table('link_sequences',
    sa.Column('linked_collection_id', sa.Uuid(), nullable=False),
    sa.Column('interval_seconds', sa.Integer(), nullable=False),
    sa.Column('built_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('interval_seconds > 0', name=op.f('link_sequences_interval_check')),
    sa.ForeignKeyConstraint(['linked_collection_id'], ['classification_project_collections.id'], name=op.f('link_sequences_linked_collection_id_fkey')),
    sa.PrimaryKeyConstraint('linked_collection_id', name=op.f('link_sequences_pkey'))
    )
    op.create_table('sequences',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('classification_project_id', sa.Uuid(), nullable=False),
    sa.Column('linked_collection_id', sa.Uuid(), nullable=False),
    sa.Column('deployment_id', sa.Uuid(), nullable=False),
    sa.Column('is_time_lapse', sa.Boolean(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('resource_count', sa.Integer(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.CheckConstraint('first_at <= last_at', name=op.f('sequences_times_check')),
    sa.CheckConstraint('resource_count > 0', name=op.f('sequences_resource_count_check')),
    sa.ForeignKeyConstraint(['classification_project_id', 'linked_collection_id'], ['classification_project_collections.classification_project_id', 'classification_project_collections.id'], name='sequences_linked_collection_of_the_project_fkey'),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('sequences_deployment_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('sequences_pkey'))
    )
    op.create_index('sequences_deployment_idx', 'sequences', ['deployment_id', 'first_at', 'id'], unique=False)
    op.create_index('sequences_external_id_key', 'sequences', ['classification_project_id', 'external_id'], unique=True, postgresql_where='external_id is not null')
    op.create_index('sequences_link_idx', 'sequences', ['linked_collection_id', 'first_at', 'id'], unique=False)
    op.create_index('sequences_project_idx', 'sequences', ['classification_project_id', 'first_at', 'id'], unique=False)
    op.create_table('sequence_markers',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('linked_collection_id', sa.Uuid(), nullable=False),
    sa.Column('resource_id', sa.Uuid(), nullable=False),
    sa.Column('joined_resource_id', sa.Uuid(), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('sequence_markers_created_by_fkey')),
    sa.ForeignKeyConstraint(['linked_collection_id', 'resource_id'], ['linked_collection_resources.linked_collection_id', 'linked_collection_resources.resource_id'], name='sequence_markers_resource_of_the_link_fkey'),
    sa.PrimaryKeyConstraint('id', name=op.f('sequence_markers_pkey'))
    )
    op.create_index('sequence_markers_key', 'sequence_markers', ['linked_collection_id', 'resource_id', 'joined_resource_id'], unique=True, postgresql_nulls_not_distinct=True)
    op.create_table('sequence_members',
    sa.Column('linked_collection_id', sa.Uuid(), nullable=False),
    sa.Column('resource_id', sa.Uuid(), nullable=False),
    sa.Column('sequence_id', sa.Uuid(), nullable=False),
    sa.Column('deployment_id', sa.Uuid(), nullable=False),
    sa.Column('is_time_lapse', sa.Boolean(), nullable=False),
    sa.Column('captured_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['linked_collection_id', 'resource_id'], ['linked_collection_resources.linked_collection_id', 'linked_collection_resources.resource_id'], name='sequence_members_resource_of_the_link_fkey'),
    sa.ForeignKeyConstraint(['sequence_id'], ['sequences.id'], name=op.f('sequence_members_sequence_id_fkey')),
    sa.PrimaryKeyConstraint('linked_collection_id', 'resource_id', name=op.f('sequence_members_pkey'))
    )
    op.create_index('sequence_members_resource_idx', 'sequence_members', ['resource_id'], unique=False)
    op.create_index('sequence_members_sequence_idx', 'sequence_members', ['sequence_id', 'captured_at', 'resource_id'], unique=False)
    op.create_index('sequence_members_series_idx', 'sequence_members', ['linked_collection_id', 'deployment_id', 'is_time_lapse', 'captured_at', 'resource_id'], unique=False)
    op.add_column('resources', sa.Column('capture_method', sa.Enum('activityDetection', 'timeLapse', name='capturemethod', native_enum=False, create_constraint=True, length=40), nullable=True))
    op.execute(LINKED)
    op.execute(MOVED)
    op.execute(
        "create trigger sequences_note_linked after insert on linked_collection_resources "
        "referencing new table as latter for each statement execute function sequences_note_linked()"
    )
    op.execute(
        "create trigger sequences_note_moved after update on resources referencing old table as former "
        "new table as latter for each statement execute function sequences_note_moved()"
    )


def downgrade() -> None:
    op.execute("drop trigger sequences_note_moved on resources")
    op.execute("drop trigger sequences_note_linked on linked_collection_resources")
    op.execute("drop function sequences_note_moved()")
    op.execute("drop function sequences_note_linked()")
    op.drop_column('resources', 'capture_method')
    op.drop_index('sequence_members_series_idx', table_name='sequence_members')
    op.drop_index('sequence_members_sequence_idx', table_name='sequence_members')
    op.drop_index('sequence_members_resource_idx', table_name='sequence_members')
    op.drop_table('sequence_members')
    op.drop_index('sequence_markers_key', table_name='sequence_markers', postgresql_nulls_not_distinct=True)
    op.drop_table('sequence_markers')
    op.drop_index('sequences_project_idx', table_name='sequences')
    op.drop_index('sequences_link_idx', table_name='sequences')
    op.drop_index('sequences_external_id_key', table_name='sequences', postgresql_where='external_id is not null')
    op.drop_index('sequences_deployment_idx', table_name='sequences')
    op.drop_table('sequences')
    op.drop_table('link_sequences')
    op.drop_index('sequence_changes_order_idx', table_name='sequence_changes')
    op.drop_table('sequence_changes')
