"""what a worker has in hand"""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('runs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('batch_id', sa.Uuid(), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('leased', 'running', 'kept', 'delivered', 'released', name='runstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('starts', sa.Integer(), nullable=False),
    sa.Column('lease', sa.JSON(), nullable=True),
    sa.Column('because', sa.Text(), nullable=True),
    sa.CheckConstraint("state in ('delivered', 'released') or lease is not null", name=op.f('runs_lease_check')),
    sa.PrimaryKeyConstraint('id', name=op.f('runs_pkey')),
    sa.UniqueConstraint('batch_id', 'attempt', name=op.f('runs_batch_id_attempt_key'))
    )
    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.create_index('runs_state_idx', ['state', 'id'], unique=False)

    op.create_table('kept_results',
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('batch_id', sa.Uuid(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('token', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'delivered', 'lost', 'cancelled', 'refused', name='keptstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('kept_results_run_id_fkey')),
    sa.PrimaryKeyConstraint('run_id', name=op.f('kept_results_pkey')),
    sa.UniqueConstraint('batch_id', 'attempt', name=op.f('kept_results_batch_id_attempt_key'))
    )
    with op.batch_alter_table('kept_results', schema=None) as batch_op:
        batch_op.create_index('kept_results_state_idx', ['state', 'run_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('kept_results', schema=None) as batch_op:
        batch_op.drop_index('kept_results_state_idx')

    op.drop_table('kept_results')
    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.drop_index('runs_state_idx')

    op.drop_table('runs')
