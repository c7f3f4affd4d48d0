"""Occurrences: individuals that were seen, what people identified them as, and their determination

Every AI object observation joins one: those of the newest AI row their own, superseded ones that of the observation that
followed them, copies that of what they were copied from.
"""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None

# The first observation of a chain of matched ones, or of copies, gives the occurrence its id.
JOIN = """
    with recursive chains as (
      select id, id as root from observations
      where observation_level = 'object' and classification_type = 'ai' and matched_to_id is null
      union all
      select o.id, c.root from observations o join chains c
        on (o.classification_type = 'ai' and o.matched_to_id = c.id)
          or (o.classification_type <> 'ai' and o.copied_from_id = c.id)
      where o.observation_level = 'object')
    update observations o set occurrence_id = c.root from chains c where c.id = o.id"""
JOIN_APPROVED = """
    update observations o set occurrence_id = o.id from classifications f
    where f.type = 'final' and f.source_classification_id = o.classification_id
      and o.observation_level = 'object' and o.occurrence_id is null"""
BEGIN = """
    insert into occurrences (id, classification_project_id, is_current, is_unmatched, created_at)
    select distinct on (occurrence_id) occurrence_id, classification_project_id, false, false, clock_timestamp()
    from observations where occurrence_id is not null"""
DETERMINE = """
    with members as (
      select o.id, o.occurrence_id, o.taxon_id, o.classification_type, o.is_current,
        case when o.classification_type = 'ai' then coalesce(o.classification_confidence, o.detection_confidence)
          else o.classification_confidence end as score, f.approved_at
      from observations o
        left join classifications f on f.source_classification_id = o.classification_id and f.type = 'final'
      where o.occurrence_id is not null and (f.id is not null or (o.classification_type = 'ai' and o.is_current))),
    approved as (
      select distinct on (occurrence_id) occurrence_id, taxon_id, score from members where approved_at is not null
      order by occurrence_id, taxon_id is not null desc, approved_at desc, id desc),
    predicted as (
      select distinct on (m.occurrence_id) m.occurrence_id, p.taxon_id, p.score
      from members m join predictions p on p.observation_id = m.id and p.terminal and p.taxon_id is not null
      where m.classification_type = 'ai' and m.is_current
      order by m.occurrence_id, p.score desc, p.id)
    update occurrences c set is_current = true,
      determination_taxon_id = case when a.occurrence_id is not null then a.taxon_id else p.taxon_id end,
      determination_score = case when a.occurrence_id is not null then a.score else p.score end,
      determination_source = case when a.occurrence_id is not null then 'approval'
        when p.occurrence_id is not null then 'prediction' end
    from (select distinct occurrence_id from members) m
      left join approved a on a.occurrence_id = m.occurrence_id
      left join predicted p on p.occurrence_id = m.occurrence_id
    where m.occurrence_id = c.id"""
SOURCE = sa.Enum('identification', 'approval', 'prediction', name='determinationsource', native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "occurrences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("classification_project_id", sa.Uuid(), nullable=False),
        sa.Column("determination_taxon_id", sa.Uuid(), nullable=True),
        sa.Column("determination_score", sa.Double(), nullable=True),
        sa.Column("determination_source", SOURCE, nullable=True),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("is_unmatched", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("determination_score between 0 and 1", name=op.f("occurrences_score_check")),
        sa.CheckConstraint("determination_source is not null or num_nonnulls(determination_taxon_id, determination_score) = 0", name=op.f("occurrences_source_check")),
        sa.CheckConstraint("determination_taxon_id is not null or coalesce(determination_source, 'approval') = 'approval'", name=op.f("occurrences_taxon_check")),
        sa.CheckConstraint("not (is_current and is_unmatched)", name=op.f("occurrences_unmatched_check")),
        sa.ForeignKeyConstraint(["classification_project_id"], ["classification_projects.id"], name=op.f("occurrences_classification_project_id_fkey")),
        sa.ForeignKeyConstraint(["determination_taxon_id"], ["taxa.id"], name=op.f("occurrences_determination_taxon_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("occurrences_pkey")),
    )
    op.create_table(
        "identifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("occurrence_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("taxon_id", sa.Uuid(), nullable=False),
        sa.Column("prediction_id", sa.Uuid(), nullable=True),
        sa.Column("agreed_with_id", sa.Uuid(), nullable=True),
        sa.Column("replaced_by_id", sa.Uuid(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("num_nonnulls(prediction_id, agreed_with_id) <= 1", name=op.f("identifications_agreement_check")),
        sa.CheckConstraint("num_nonnulls(withdrawn_at, replaced_by_id) <= 1", name=op.f("identifications_ended_once_check")),
        sa.CheckConstraint("agreed_with_id <> id and replaced_by_id <> id", name=op.f("identifications_another_check")),
        sa.ForeignKeyConstraint(["occurrence_id"], ["occurrences.id"], name=op.f("identifications_occurrence_id_fkey")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("identifications_created_by_fkey")),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxa.id"], name=op.f("identifications_taxon_id_fkey")),
        sa.ForeignKeyConstraint(["prediction_id"], ["predictions.id"], name=op.f("identifications_prediction_id_fkey")),
        sa.ForeignKeyConstraint(["agreed_with_id"], ["identifications.id"], name=op.f("identifications_agreed_with_id_fkey")),
        sa.ForeignKeyConstraint(["replaced_by_id"], ["identifications.id"], name=op.f("identifications_replaced_by_id_fkey"), initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("identifications_pkey")),
    )
    op.create_index("identifications_occurrence_idx", "identifications", ["occurrence_id", "id"])
    op.create_index("identifications_standing_key", "identifications", ["occurrence_id", "created_by"], unique=True, postgresql_where="withdrawn_at is null and replaced_by_id is null")
    for column in ("created_by", "taxon_id", "prediction_id", "agreed_with_id", "replaced_by_id"):
        op.create_index(op.f(f"identifications_{column}_idx"), "identifications", [column])
    op.add_column("observations", sa.Column("occurrence_id", sa.Uuid(), nullable=True))
    for statement in (JOIN, JOIN_APPROVED, BEGIN, DETERMINE):
        op.execute(statement)
    op.execute("set constraints all immediate")
    op.create_index("occurrences_list_idx", "occurrences", ["classification_project_id", "id"])
    op.create_index("occurrences_taxon_idx", "occurrences", ["determination_taxon_id", "id"])
    op.create_index(op.f("observations_occurrence_id_idx"), "observations", ["occurrence_id"])
    op.create_foreign_key(
        op.f("observations_occurrence_id_fkey"), "observations", "occurrences", ["occurrence_id"], ["id"],
        initially="DEFERRED", deferrable=True,
    )


def downgrade() -> None:
    op.drop_column("observations", "occurrence_id")
    op.drop_table("identifications")
    op.drop_table("occurrences")
