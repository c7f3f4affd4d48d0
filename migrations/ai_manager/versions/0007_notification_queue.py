"""a job's notification queue has its plain name"""

from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column('jobs', 'bell', new_column_name='notification_queue')


def downgrade() -> None:
    op.alter_column('jobs', 'notification_queue', new_column_name='bell')
