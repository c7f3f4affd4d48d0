"""The key of members of sequences begins with the resource, so that a second index by resource is needless"""

from alembic import op

revision = '0028'
down_revision = '0027'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _replace_key("resource_id", "linked_collection_id")
    op.drop_index("sequence_members_resource_idx", table_name="sequence_members")


def downgrade() -> None:
    op.create_index("sequence_members_resource_idx", "sequence_members", ["resource_id"])
    _replace_key("linked_collection_id", "resource_id")


def _replace_key(*columns: str) -> None:
    op.drop_constraint("sequence_members_pkey", "sequence_members")
    op.create_primary_key("sequence_members_pkey", "sequence_members", list(columns))
