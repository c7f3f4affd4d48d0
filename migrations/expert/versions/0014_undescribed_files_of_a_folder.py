"""undescribed files of a folder are found by an index"""

from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "resources_undescribed_folder_idx",
        "resources",
        ["research_project_id", "folder_print"],
        postgresql_where="state = 'stored'",
    )


def downgrade() -> None:
    op.drop_index("resources_undescribed_folder_idx", table_name="resources")
