"""A job keeps why no worker takes it; people add provisional taxa"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ai_classification_jobs", sa.Column("blocked", postgresql.JSONB(), nullable=True))
    op.add_column("taxa", sa.Column("provisional", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("taxa", sa.Column("created_by", sa.Uuid(), nullable=True))
    op.add_column("taxa", sa.Column("idempotency_key", sa.Text(), nullable=True))
    op.add_column("taxa", sa.Column("request_print", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("taxa_created_by_fkey"), "taxa", "users", ["created_by"], ["id"])
    op.create_unique_constraint(op.f("taxa_created_by_idempotency_key_key"), "taxa", ["created_by", "idempotency_key"])


def downgrade() -> None:
    for column in ("request_print", "idempotency_key", "created_by", "provisional"):
        op.drop_column("taxa", column)
    op.drop_column("ai_classification_jobs", "blocked")
