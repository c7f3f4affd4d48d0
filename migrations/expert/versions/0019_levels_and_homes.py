"""Statements about whole resources and sequences, ids of other systems, media elsewhere, and rows of imports"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

WHOLE = "observation_type in ('blank', 'unclassified')"
NO_BOX = "bbox_x is null and bbox_y is null and bbox_width is null and bbox_height is null"
HAS_BOX = "bbox_x is not null and bbox_y is not null and bbox_width is not null and bbox_height is not null"
ONE_ANIMAL = "taxon_id, count, sex, life_stage, behaviour, individual_id"
NEW_CHECKS = {
    "observations_whole_resource_level_check": f"not ({WHOLE}) or observation_level = 'resource'",
    "observations_object_has_box_check":
        f"observation_level <> 'object' or ({HAS_BOX} and first_frame_index is not null)",
    "observations_resource_has_no_bbox_check": f"observation_level <> 'resource' or ({NO_BOX})",
}
FORMER_CHECKS = {
    "observations_whole_resource_is_no_group_check": f"not ({WHOLE}) or observation_level <> 'group'",
    "observations_object_has_box_check":
        f"observation_level <> 'object' or ({WHOLE}) or ({HAS_BOX} and first_frame_index is not null)",
    "observations_whole_resource_has_no_bbox_check": f"not ({WHOLE}) or bbox_x is null",
}
PROVENANCE = (
    "(type = 'ai') = (num_nonnulls(job_id, import_operation_id) = 1) and num_nonnulls(job_id, import_operation_id) <= 1 "
    "and (type = 'ai') = (content_hash is not null) "
    "and num_nonnulls(provider_id, received_batch_id, batch_row, job_config_version) "
    "= case when job_id is null then 0 else 4 end"
)
FORMER_PROVENANCE = (
    "(type = 'ai') = (job_id is not null) and (type = 'ai') = (provider_id is not null) "
    "and (type = 'ai') = (received_batch_id is not null) and (type = 'ai') = (batch_row is not null) "
    "and (type = 'ai') = (content_hash is not null) and (type = 'ai') = (job_config_version is not null)"
)
STORED = ("sha256", "stored_sha256", "size_bytes", "object_key")
EXTERNAL = {"observations": "classification_project_id", "resources": "research_project_id"}


def levels(*names: str) -> None:
    listed = ", ".join(f"'{name}'" for name in names)
    op.execute("alter table observations drop constraint observations_observationlevel_check")
    op.execute(
        f"alter table observations add constraint observations_observationlevel_check "
        f"check (observation_level in ({listed}))"
    )


def move(former: str, latter: str, where: str) -> None:
    """The level is said of locked rows, too; rows that break a rule of before, which are not written again, stay."""
    op.execute("alter table observations disable trigger observations_keep_locked_update")
    op.execute(f"update observations set observation_level = '{latter}' where observation_level = '{former}' and {where}")
    op.execute("alter table observations enable trigger observations_keep_locked_update")


def replace_checks(former: dict[str, str], latter: dict[str, str]) -> None:
    for name in former:
        op.execute(f"alter table observations drop constraint {name}")
    for name, check in latter.items():
        op.execute(f"alter table observations add constraint {name} check ({check}) not valid")


def current_ai_key(*, nulls_not_distinct: bool) -> None:
    op.drop_index("classifications_current_ai_key", "classifications")
    op.create_index(
        "classifications_current_ai_key",
        "classifications",
        ["resource_id", "classification_project_id", "provider_id"],
        unique=True,
        postgresql_where="type = 'ai' and superseded_by_id is null",
        postgresql_nulls_not_distinct=nulls_not_distinct,
    )


def replace_provenance(check: str) -> None:
    op.execute("alter table classifications drop constraint classifications_provenance_check")
    op.execute(f"alter table classifications add constraint classifications_provenance_check check ({check})")


def upgrade() -> None:
    levels("object", "group", "resource")
    for name in FORMER_CHECKS:
        op.execute(f"alter table observations drop constraint {name}")
    move("object", "resource", f"{WHOLE} and {NO_BOX} and num_nonnulls({ONE_ANIMAL}) = 0")
    replace_checks({}, NEW_CHECKS)
    for table, project in EXTERNAL.items():
        op.add_column(table, sa.Column("external_id", sa.Text(), nullable=True))
        op.create_index(
            f"{table}_external_id_key",
            table,
            [project, "external_id"],
            unique=True,
            postgresql_where="external_id is not null",
        )
    op.add_column("resources", sa.Column("remote_url", sa.Text(), nullable=True))
    for column in STORED:
        op.alter_column("resources", column, nullable=True)
    op.create_check_constraint(
        op.f("resources_stored_or_remote_check"),
        "resources",
        f"num_nonnulls({', '.join(STORED)}) = case when remote_url is null then 4 else 0 end",
    )
    op.create_check_constraint(
        op.f("resources_remote_is_described_check"), "resources", "remote_url is null or state <> 'stored'"
    )
    op.add_column("classifications", sa.Column("import_operation_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("classifications_import_operation_id_fkey"), "classifications", "operations", ["import_operation_id"], ["id"]
    )
    op.create_index(op.f("classifications_import_operation_id_idx"), "classifications", ["import_operation_id"])
    replace_provenance(PROVENANCE)
    current_ai_key(nulls_not_distinct=True)
    op.create_table(
        "sequence_observations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("classification_project_id", sa.Uuid(), nullable=False),
        sa.Column("sequence_id", sa.Uuid(), nullable=True),
        sa.Column("observation_type", sa.Enum('animal', 'human', 'vehicle', 'blank', 'unknown', 'unclassified', name='observationtype', native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("taxon_id", sa.Uuid(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("sex", sa.Enum('female', 'male', name='sex', native_enum=False, create_constraint=True, length=40), nullable=True),
        sa.Column("life_stage", sa.Enum('adult', 'subadult', 'juvenile', name='lifestage', native_enum=False, create_constraint=True, length=40), nullable=True),
        sa.Column("behaviour", sa.Text(), nullable=True),
        sa.Column("individual_id", sa.Text(), nullable=True),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("algorithm_id", sa.Uuid(), nullable=True),
        sa.Column("import_operation_id", sa.Uuid(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("num_nonnulls(owner_id, algorithm_id, import_operation_id) = 1", name=op.f("sequence_observations_provenance_check")),
        sa.CheckConstraint("count > 0", name=op.f("sequence_observations_count_check")),
        sa.CheckConstraint("probability between 0 and 1", name=op.f("sequence_observations_probability_check")),
        sa.CheckConstraint(f"not ({WHOLE}) or num_nonnulls({ONE_ANIMAL}) = 0", name=op.f("sequence_observations_nothing_seen_check")),
        sa.CheckConstraint("observation_type not in ('human', 'vehicle') or num_nonnulls(taxon_id, sex) = 0", name=op.f("sequence_observations_no_animal_check")),
        sa.CheckConstraint("individual_id is null or count is null or count = 1", name=op.f("sequence_observations_individual_check")),
        sa.ForeignKeyConstraint(["algorithm_id"], ["algorithms.id"], name=op.f("sequence_observations_algorithm_id_fkey")),
        sa.ForeignKeyConstraint(["classification_project_id"], ["classification_projects.id"], name=op.f("sequence_observations_classification_project_id_fkey")),
        sa.ForeignKeyConstraint(["import_operation_id"], ["operations.id"], name=op.f("sequence_observations_import_operation_id_fkey")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("sequence_observations_owner_id_fkey")),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequences.id"], name=op.f("sequence_observations_sequence_id_fkey"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxa.id"], name=op.f("sequence_observations_taxon_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("sequence_observations_pkey")),
    )
    op.create_index("sequence_observations_project_idx", "sequence_observations", ["classification_project_id", "id"])
    op.create_index("sequence_observations_external_id_key", "sequence_observations", ["classification_project_id", "external_id"], unique=True, postgresql_where="external_id is not null")
    for column in ("sequence_id", "taxon_id", "owner_id", "algorithm_id", "import_operation_id"):
        op.create_index(op.f(f"sequence_observations_{column}_idx"), "sequence_observations", [column])


def downgrade() -> None:
    op.drop_table("sequence_observations")
    current_ai_key(nulls_not_distinct=False)
    replace_provenance(FORMER_PROVENANCE)
    op.drop_column("classifications", "import_operation_id")
    for name in ("stored_or_remote", "remote_is_described"):
        op.drop_constraint(op.f(f"resources_{name}_check"), "resources")
    for column in STORED:
        op.alter_column("resources", column, nullable=False)
    op.drop_column("resources", "remote_url")
    for table in EXTERNAL:
        op.drop_column(table, "external_id")
    for name in NEW_CHECKS:
        op.execute(f"alter table observations drop constraint {name}")
    move("resource", "object", WHOLE)
    replace_checks({}, FORMER_CHECKS)
    levels("object", "group")
