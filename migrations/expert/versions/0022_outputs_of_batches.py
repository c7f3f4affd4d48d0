"""what outputs a batch holds; where outputs lie is not what a locked row says"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

CLASSIFICATION_SAYS = """type classification_project_id resource_id owner_id static_attributes provider_id job_id
    content_hash locked_at job_config_version edited_by_id""".split()
PREDICTION_SAYS = "observation_id algorithm_id taxon_id label score top_k terminal applied_to_id rule".split()
PLACES = ["received_batch_id", "batch_row"]
REFUSE = "raise exception 'a classification that was approved once never changes' using errcode = 'restrict_violation'"
ALGORITHMS = ("logits_algorithm_id", "features_algorithm_id")


def row(alias: str, columns: Sequence[str]) -> str:
    return f"row({', '.join(f'{alias}.{column}' for column in columns)})"


def refuse_if_locked(ids: str) -> str:
    return f"""
      select bool_or(held.locked) into found_locked from (
        select c.locked_at is not null as locked from classifications c
        where c.id in (select o.classification_id from observations o where o.id in ({ids}))
          and (c.locked_at is not null or c.xmin <> pg_current_xact_id()::xid) for share
      ) held;
      if found_locked then {REFUSE}; end if;"""


def functions(classification: Sequence[str], prediction: Sequence[str]) -> None:
    op.execute(
        f"""create or replace function classifications_keep_locked() returns trigger language plpgsql as $$
    begin
      if tg_op = 'UPDATE' then
        if exists (select from former f left join latter l using (id) where f.locked_at is not null and (
            l.id is null or {row('f', classification)} is distinct from {row('l', classification)}))
        then {REFUSE}; end if;
      elsif tg_op = 'DELETE' then
        if exists (select from former where locked_at is not null) then {REFUSE}; end if;
      end if;
      return null;
    end $$"""
    )
    touched = (
        f"former f full join latter l using (id) where f.id is null or l.id is null "
        f"or {row('f', prediction)} is distinct from {row('l', prediction)}"
    )
    op.execute(
        f"""create or replace function predictions_keep_locked() returns trigger language plpgsql as $$
    declare found_locked boolean;
    begin
      if tg_op = 'INSERT' then {refuse_if_locked("select observation_id from latter")}
      elsif tg_op = 'UPDATE' then
        {refuse_if_locked(f"select f.observation_id from {touched} union select l.observation_id from {touched}")}
      else {refuse_if_locked("select observation_id from former")}
      end if;
      return null;
    end $$"""
    )


def upgrade() -> None:
    op.add_column(
        'classification_projects',
        sa.Column(
            'keep_logits',
            sa.Enum('auto', 'always', 'never', name='keeplogits', native_enum=False, create_constraint=True, length=40),
            server_default='auto',
            nullable=False,
        ),
    )
    for column in ALGORITHMS:
        op.add_column('received_batches', sa.Column(column, sa.Uuid(), nullable=True))
        op.create_index(op.f(f'received_batches_{column}_idx'), 'received_batches', [column])
        op.create_foreign_key(
            op.f(f'received_batches_{column}_fkey'), 'received_batches', 'algorithms', [column], ['id']
        )
    functions(CLASSIFICATION_SAYS, PREDICTION_SAYS)


def downgrade() -> None:
    functions(CLASSIFICATION_SAYS + PLACES, [*PREDICTION_SAYS, "output_row"])
    for column in ALGORITHMS:
        op.drop_column('received_batches', column)
    op.drop_column('classification_projects', 'keep_logits')
