"""Contradictory observations are refused; approvals and former versions of people's rows are kept"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

WHOLE = "observation_type in ('blank', 'unclassified')"
WHOLE_HAS_NO = {
    "bbox": "bbox_x", **{name: name for name in "taxon_id count sex life_stage behaviour individual_id".split()}
}
NO_BOX = "bbox_x is null and bbox_y is null and bbox_width is null and bbox_height is null"
CHECKS = {
    "observations_whole_resource_is_no_group_check": f"not ({WHOLE}) or observation_level <> 'group'",
    "observations_box_has_area_check": f"({NO_BOX}) or (bbox_width > 1e-6 and bbox_height > 1e-6)",
    **{
        f"observations_whole_resource_has_no_{field}_check": f"not ({WHOLE}) or {column} is null"
        for field, column in WHOLE_HAS_NO.items()
    },
    **{
        f"observations_human_or_vehicle_has_no_{field}_check":
            f"observation_type not in ('human', 'vehicle') or {field} is null"
        for field in ("taxon_id", "sex")
    },
}


def upgrade() -> None:
    for name, check in CHECKS.items():
        # Not valid: rows that were approved before the rule came cannot be changed, and stay.
        op.execute(f"alter table observations add constraint {name} check ({check}) not valid")
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("final_classification_id", sa.Uuid(), nullable=False),
        sa.Column("classification_id", sa.Uuid(), nullable=False),
        sa.Column("approved_by_id", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by_id", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ended_at is not null or ended_by_id is null", name=op.f("approvals_ended_check")),
        sa.ForeignKeyConstraint(
            ["final_classification_id"], ["classifications.id"], name=op.f("approvals_final_classification_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["classification_id"], ["classifications.id"], name=op.f("approvals_classification_id_fkey")
        ),
        sa.ForeignKeyConstraint(["approved_by_id"], ["users.id"], name=op.f("approvals_approved_by_id_fkey")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["users.id"], name=op.f("approvals_ended_by_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("approvals_pkey")),
    )
    for column in ("final_classification_id", "classification_id", "approved_by_id", "ended_by_id"):
        op.create_index(op.f(f"approvals_{column}_idx"), "approvals", [column])
    op.create_index(
        "approvals_current_key",
        "approvals",
        ["final_classification_id"],
        unique=True,
        postgresql_where="ended_at is null",
    )
    op.execute(
        "insert into approvals (id, final_classification_id, classification_id, approved_by_id, approved_at)"
        " select gen_random_uuid(), id, source_classification_id, approved_by_id, approved_at"
        " from classifications where type = 'final' and is_approved"
    )
    op.create_table(
        "classification_versions",
        sa.Column("classification_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("static_attributes", postgresql.JSONB(), nullable=False),
        sa.Column("observations", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["classification_id"], ["classifications.id"], name=op.f("classification_versions_classification_id_fkey")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("classification_versions_author_id_fkey")),
        sa.PrimaryKeyConstraint("classification_id", "version", name=op.f("classification_versions_pkey")),
    )
    op.create_index(op.f("classification_versions_author_id_idx"), "classification_versions", ["author_id"])


def downgrade() -> None:
    op.drop_table("classification_versions")
    op.drop_table("approvals")
    for name in CHECKS:
        op.execute(f"alter table observations drop constraint {name}")
