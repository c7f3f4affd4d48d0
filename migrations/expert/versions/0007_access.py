"""Links need consent, tokens end with their parent, attempts are counted before they are made, people are invited"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

LINKS = "classification_project_collections"


def upgrade() -> None:
    for name in ("consented_at", "revoked_at"):
        op.add_column(LINKS, sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(LINKS, sa.Column("consented_by_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f(f"{LINKS}_consented_by_id_fkey"), LINKS, "users", ["consented_by_id"], ["id"])
    # A link that an owner or manager of the collection's project made had consent; every other one is a request now.
    op.execute("""
        update classification_project_collections l
        set consented_at = l.created_at, consented_by_id = l.created_by
        from collections c
        join research_memberships m on m.research_project_id = c.research_project_id
        where c.id = l.collection_id and m.user_id = l.created_by and m.role in ('owner', 'manager')""")

    op.add_column("tokens", sa.Column("parent_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("tokens_parent_id_fkey"), "tokens", "tokens", ["parent_id"], ["id"], ondelete="CASCADE")
    op.create_index(op.f("tokens_parent_id_idx"), "tokens", ["parent_id"])
    op.add_column("sessions", sa.Column("address_hash", sa.Text(), server_default="", nullable=False))
    op.alter_column("sessions", "address_hash", server_default=None)

    _replace_attempts("sign_in_failures", "sign_in_attempts")

    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("research_project_id", sa.Uuid(), nullable=True),
        sa.Column("classification_project_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("invited_by_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(research_project_id is null) <> (classification_project_id is null)",
            name=op.f("invitations_one_project_check"),
        ),
        sa.ForeignKeyConstraint(
            ["research_project_id"], ["research_projects.id"], name=op.f("invitations_research_project_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["classification_project_id"],
            ["classification_projects.id"],
            name=op.f("invitations_classification_project_id_fkey"),
        ),
        sa.ForeignKeyConstraint(["invited_by_id"], ["users.id"], name=op.f("invitations_invited_by_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("invitations_pkey")),
    )
    op.create_index("invitations_email_idx", "invitations", [sa.text("lower(email)")])
    for kind in ("research", "classification"):
        op.create_index(
            f"invitations_{kind}_key",
            "invitations",
            [f"{kind}_project_id", sa.text("lower(email)")],
            unique=True,
            postgresql_where=sa.text(f"{kind}_project_id is not null"),
        )


def _replace_attempts(former: str, name: str) -> None:
    """Its rows count for a few minutes only, so none is kept."""
    op.drop_table(former)
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"{name}_pkey")),
    )
    for column in ("account", "address"):
        op.create_index(f"{name}_{column}_idx", name, [column, "at"])


def downgrade() -> None:
    op.drop_table("invitations")
    _replace_attempts("sign_in_attempts", "sign_in_failures")
    op.drop_column("sessions", "address_hash")
    op.drop_column("tokens", "parent_id")
    for name in ("consented_by_id", "consented_at", "revoked_at"):
        op.drop_column(LINKS, name)
