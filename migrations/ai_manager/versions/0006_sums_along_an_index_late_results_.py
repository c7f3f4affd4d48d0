"""sums along an index, late results that are forgotten, and the ids of pages"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        'batches_sums_idx',
        'batches',
        ['job_id'],
        unique=False,
        postgresql_include=['done', 'blank', 'failed'],
        postgresql_where='result_sha256 is not null',
    )
    op.drop_index(
        'finished_batches_unfetched_idx',
        table_name='finished_batches',
        postgresql_where='result_sha256 is not null and not fetched',
    )
    op.create_index('late_results_day_idx', 'late_results', ['day'], unique=False)
    op.create_table('unsealed_resources',
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('resource_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('unsealed_resources_job_id_fkey')),
    sa.PrimaryKeyConstraint('job_id', 'resource_id', name=op.f('unsealed_resources_pkey'))
    )


def downgrade() -> None:
    op.drop_table('unsealed_resources')
    op.drop_index('late_results_day_idx', table_name='late_results')
    op.create_index(
        'finished_batches_unfetched_idx',
        'finished_batches',
        ['job_id'],
        unique=False,
        postgresql_where='result_sha256 is not null and not fetched',
    )
    op.drop_index(
        'batches_sums_idx',
        table_name='batches',
        postgresql_include=['done', 'blank', 'failed'],
        postgresql_where='result_sha256 is not null',
    )
