"""a job's stages are part of its versioned configuration"""

from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column('terms', 'stages', new_column_name='job_config')
    op.execute("update terms set job_config = jsonb_build_object('version', 1, 'stages', job_config)")


def downgrade() -> None:
    op.execute("update terms set job_config = job_config -> 'stages'")
    op.alter_column('terms', 'job_config', new_column_name='stages')
