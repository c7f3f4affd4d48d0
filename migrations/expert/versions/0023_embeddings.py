"""features of observations, with a partition for each embedding algorithm"""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create extension if not exists vector")
    op.create_table(
        'embeddings',
        sa.Column('algorithm_id', sa.Uuid(), nullable=False),
        sa.Column('observation_id', sa.Uuid(), nullable=False),
        sa.Column('vector', HALFVEC(), nullable=False),
        sa.ForeignKeyConstraint(['algorithm_id'], ['algorithms.id'], name=op.f('embeddings_algorithm_id_fkey')),
        sa.ForeignKeyConstraint(['observation_id'], ['observations.id'], name=op.f('embeddings_observation_id_fkey')),
        sa.PrimaryKeyConstraint('algorithm_id', 'observation_id', name=op.f('embeddings_pkey')),
        postgresql_partition_by='LIST (algorithm_id)',
    )
    op.create_index(op.f('embeddings_observation_id_idx'), 'embeddings', ['observation_id'])


def downgrade() -> None:
    op.drop_table('embeddings')
