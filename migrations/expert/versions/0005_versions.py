"""Rows that people edit have a version that each write raises"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

EDITED = ("classification_projects", "classification_project_collections")
FINAL_ONLY = "classifications_final_only_check"


def upgrade() -> None:
    for table in EDITED:
        op.add_column(table, sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.drop_constraint(op.f(FINAL_ONLY), "classifications", type_="check")
    op.execute("update classifications set version = 0 where version is null")
    op.alter_column("classifications", "version", nullable=False, server_default="0")
    op.create_check_constraint(
        op.f(FINAL_ONLY), "classifications", "(type = 'final') = (is_approved is not null)"
    )
    op.add_column("classifications", sa.Column("edited_by_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("classifications_edited_by_id_fkey"), "classifications", "users", ["edited_by_id"], ["id"]
    )
    op.create_index(op.f("classifications_edited_by_id_idx"), "classifications", ["edited_by_id"])


def downgrade() -> None:
    op.drop_column("classifications", "edited_by_id")
    op.drop_constraint(op.f(FINAL_ONLY), "classifications", type_="check")
    op.alter_column("classifications", "version", nullable=True, server_default=None)
    op.execute("update classifications set version = null where type <> 'final'")
    op.create_check_constraint(
        op.f(FINAL_ONLY),
        "classifications",
        "(type = 'final') = (is_approved is not null) and (type = 'final') = (version is not null)",
    )
    for table in EDITED:
        op.drop_column(table, "version")
