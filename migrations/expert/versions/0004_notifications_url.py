"""the address of notifications has its plain name"""

from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column('ai_provider_connections', 'encrypted_bells_url', new_column_name='encrypted_notifications_url')


def downgrade() -> None:
    op.alter_column('ai_provider_connections', 'encrypted_notifications_url', new_column_name='encrypted_bells_url')
