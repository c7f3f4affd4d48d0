"""a worker's room for models, and whether it runs unpinned ones, are known between its claims"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('workers', sa.Column('memory_bytes', sa.BigInteger(), nullable=True))
    op.add_column('workers', sa.Column('allow_unpinned', sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column('workers', 'allow_unpinned')
    op.drop_column('workers', 'memory_bytes')
