"""Operations: long work with a state, the rows that it was given, and a log"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('operations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('classification_project_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'running', 'finished', 'failed', 'cancelled', name='operationstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('parameters', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('position', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('counters', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('result', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('heartbeat_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('cancel_requested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('logged', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.Column('request_print', sa.Text(), nullable=True),
    sa.CheckConstraint("(state = 'running') = (heartbeat_at is not null)", name=op.f('operations_heartbeat_check')),
    sa.CheckConstraint("(state in ('finished', 'failed', 'cancelled')) = (ended_at is not null)", name=op.f('operations_ended_check')),
    sa.CheckConstraint("state <> 'failed' or error is not null", name=op.f('operations_failed_says_why_check')),
    sa.CheckConstraint('total >= 0 and done >= 0', name=op.f('operations_counts_check')),
    sa.ForeignKeyConstraint(['classification_project_id'], ['classification_projects.id'], name=op.f('operations_classification_project_id_fkey')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('operations_created_by_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('operations_pkey')),
    sa.UniqueConstraint('created_by', 'idempotency_key', name=op.f('operations_created_by_idempotency_key_key'))
    )
    op.create_index('operations_expiry_idx', 'operations', ['expires_at'], unique=False, postgresql_where='expires_at is not null')
    op.create_index('operations_list_idx', 'operations', ['classification_project_id', 'id'], unique=False)
    op.create_index('operations_running_idx', 'operations', ['heartbeat_at'], unique=False, postgresql_where="state = 'running'")
    op.create_index('operations_waiting_idx', 'operations', ['next_attempt_at'], unique=False, postgresql_where="state = 'waiting'")
    op.create_table('operation_items',
    sa.Column('operation_id', sa.Uuid(), nullable=False),
    sa.Column('item_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['operation_id'], ['operations.id'], name=op.f('operation_items_operation_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('operation_id', 'item_id', name=op.f('operation_items_pkey'))
    )
    op.create_table('operation_lines',
    sa.Column('operation_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('level', sa.Enum('info', 'warning', 'error', name='loglevel', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('item', sa.Text(), nullable=True),
    sa.Column('code', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['operation_id'], ['operations.id'], name=op.f('operation_lines_operation_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('operation_id', 'number', name=op.f('operation_lines_pkey'))
    )
    op.add_column('ai_classification_jobs', sa.Column('operation_id', sa.Uuid(), nullable=True))
    op.create_index(op.f('ai_classification_jobs_operation_id_idx'), 'ai_classification_jobs', ['operation_id'], unique=False)
    op.create_foreign_key(op.f('ai_classification_jobs_operation_id_fkey'), 'ai_classification_jobs', 'operations', ['operation_id'], ['id'], ondelete='SET NULL')


def downgrade() -> None:
    op.drop_constraint(op.f('ai_classification_jobs_operation_id_fkey'), 'ai_classification_jobs', type_='foreignkey')
    op.drop_index(op.f('ai_classification_jobs_operation_id_idx'), table_name='ai_classification_jobs')
    op.drop_column('ai_classification_jobs', 'operation_id')
    op.drop_table('operation_lines')
    op.drop_table('operation_items')
    op.drop_index('operations_waiting_idx', table_name='operations', postgresql_where="state = 'waiting'")
    op.drop_index('operations_running_idx', table_name='operations', postgresql_where="state = 'running'")
    op.drop_index('operations_list_idx', table_name='operations')
    op.drop_index('operations_expiry_idx', table_name='operations', postgresql_where='expires_at is not null')
    op.drop_table('operations')
