"""finished batches, retention, what workers lose, and since when the Manager answers"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('doors',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('doors_pkey'))
    )
    op.create_table('finished_batches',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('parent_id', sa.Uuid(), nullable=True),
    sa.Column('first', sa.Integer(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'leased', 'done', 'exhausted', 'split', 'cancelled', name='batchstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('losses', sa.Integer(), nullable=False),
    sa.Column('crashes', sa.Integer(), nullable=False),
    sa.Column('expiries', sa.Integer(), nullable=False),
    sa.Column('last_error', sa.Text(), nullable=False),
    sa.Column('worker_id', sa.Uuid(), nullable=True),
    sa.Column('result_sha256', sa.Text(), nullable=True),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('blank', sa.Integer(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('fetched', sa.Boolean(), nullable=False),
    sa.CheckConstraint("(state in ('done', 'exhausted')) = (result_sha256 is not null)", name=op.f('finished_batches_result_check')),
    sa.CheckConstraint("state not in ('waiting', 'leased')", name=op.f('finished_batches_closed_check')),
    sa.CheckConstraint('result_sha256 is null or done + blank + failed = size', name=op.f('finished_batches_one_outcome_each_check')),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('finished_batches_job_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('finished_batches_pkey'))
    )
    op.create_index('finished_batches_job_id_idx', 'finished_batches', ['job_id', 'id'], unique=False)
    op.create_index('finished_batches_unfetched_idx', 'finished_batches', ['job_id'], unique=False, postgresql_where='result_sha256 is not null and not fetched')
    op.create_table('worker_losses',
    sa.Column('worker_id', sa.Uuid(), nullable=False),
    sa.Column('loss', sa.Text(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['worker_id'], ['workers.id'], name=op.f('worker_losses_worker_id_fkey')),
    sa.PrimaryKeyConstraint('worker_id', 'loss', name=op.f('worker_losses_pkey'))
    )
    op.drop_constraint(op.f('batches_parent_id_fkey'), 'batches', type_='foreignkey')
    op.add_column('enrolment_tokens', sa.Column('offline', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('jobs', sa.Column('done', sa.Integer(), server_default='0', nullable=False))
    op.add_column('jobs', sa.Column('blank', sa.Integer(), server_default='0', nullable=False))
    op.add_column('jobs', sa.Column('failed', sa.Integer(), server_default='0', nullable=False))
    op.add_column('jobs', sa.Column('put_away', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('jobs', sa.Column('reduced_at', sa.DateTime(timezone=True), nullable=True))
    # What closed before has its counts from its batches; a sweep moves those afterwards.
    op.execute(
        "update jobs set done = sums.done, blank = sums.blank, failed = sums.failed "
        "from (select job_id, sum(done) as done, sum(blank) as blank, sum(failed) as failed from batches group by job_id) "
        "as sums where sums.job_id = jobs.id and jobs.closed_at is not null"
    )
    op.execute(
        "update batches set state = 'cancelled' from jobs where jobs.id = batches.job_id and jobs.state = 'cancelled' "
        "and batches.state = 'exhausted' and batches.result_sha256 is null"
    )
    op.create_check_constraint(op.f('jobs_one_outcome_each_check'), 'jobs', 'done + blank + failed <= total')
    op.create_check_constraint(op.f('jobs_put_away_is_closed_check'), 'jobs', 'closed_at is not null or not put_away')
    op.create_check_constraint(op.f('jobs_reduced_is_put_away_check'), 'jobs', 'reduced_at is null or put_away')
    op.create_index('jobs_to_put_away_idx', 'jobs', ['id'], unique=False, postgresql_where='closed_at is not null and not put_away')
    op.create_index('jobs_to_reduce_idx', 'jobs', ['closed_at'], unique=False, postgresql_where='put_away and reduced_at is null')
    op.add_column('saved_results', sa.Column('forgotten_at', sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f('saved_results_forgotten_is_acknowledged_check'),
        'saved_results',
        'forgotten_at is null or acknowledged_at is not null',
    )
    op.create_index('saved_results_kept_idx', 'saved_results', ['acknowledged_at'], unique=False, postgresql_where='acknowledged_at is not null and forgotten_at is null')
    op.create_index(op.f('saved_results_sha256_idx'), 'saved_results', ['sha256'], unique=False)
    # A downgrade does not bring these two back, so that results of batches that were moved stay.
    op.execute('alter table saved_results drop constraint if exists saved_results_batch_id_fkey')
    op.execute('alter table resource_failures drop constraint if exists resource_failures_batch_id_fkey')
    op.add_column('terms', sa.Column('weights_bytes', sa.BigInteger(), server_default='0', nullable=False))
    op.add_column('workers', sa.Column('offline', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('workers', sa.Column('device_load', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), server_default=sa.text("'[]'"), nullable=False))


def downgrade() -> None:
    op.drop_column('workers', 'device_load')
    op.drop_column('workers', 'offline')
    op.drop_column('terms', 'weights_bytes')
    op.drop_index(op.f('saved_results_sha256_idx'), table_name='saved_results')
    op.drop_index('saved_results_kept_idx', table_name='saved_results', postgresql_where='acknowledged_at is not null and forgotten_at is null')
    op.drop_constraint(op.f('saved_results_forgotten_is_acknowledged_check'), 'saved_results', type_='check')
    op.drop_column('saved_results', 'forgotten_at')
    for name in ('one_outcome_each', 'put_away_is_closed', 'reduced_is_put_away'):
        op.drop_constraint(op.f(f'jobs_{name}_check'), 'jobs', type_='check')
    op.drop_index('jobs_to_reduce_idx', table_name='jobs', postgresql_where='put_away and reduced_at is null')
    op.drop_index('jobs_to_put_away_idx', table_name='jobs', postgresql_where='closed_at is not null and not put_away')
    op.drop_column('jobs', 'reduced_at')
    op.drop_column('jobs', 'put_away')
    op.drop_column('jobs', 'failed')
    op.drop_column('jobs', 'blank')
    op.drop_column('jobs', 'done')
    op.drop_column('enrolment_tokens', 'offline')
    op.create_foreign_key(op.f('batches_parent_id_fkey'), 'batches', 'batches', ['parent_id'], ['id'])
    op.drop_table('worker_losses')
    op.drop_index('finished_batches_unfetched_idx', table_name='finished_batches', postgresql_where='result_sha256 is not null and not fetched')
    op.drop_index('finished_batches_job_id_idx', table_name='finished_batches')
    op.drop_table('finished_batches')
    op.drop_table('doors')
