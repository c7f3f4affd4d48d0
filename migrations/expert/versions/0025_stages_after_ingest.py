"""Stages after ingest: which operations follow the results of a job"""

import sqlalchemy as sa
from alembic import op

revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('job_stage_runs',
    sa.Column('operation_id', sa.Uuid(), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('stage', sa.Enum('sequences', name='stageafteringest', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['ai_classification_jobs.id'], name=op.f('job_stage_runs_job_id_fkey')),
    sa.ForeignKeyConstraint(['operation_id'], ['operations.id'], name=op.f('job_stage_runs_operation_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('operation_id', name=op.f('job_stage_runs_pkey'))
    )
    op.create_index(op.f('job_stage_runs_job_id_idx'), 'job_stage_runs', ['job_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('job_stage_runs_job_id_idx'), table_name='job_stage_runs')
    op.drop_table('job_stage_runs')
