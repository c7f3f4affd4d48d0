"""Models tell why no worker can run them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ai_providers", sa.Column("blocked", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("ai_providers", "blocked")
