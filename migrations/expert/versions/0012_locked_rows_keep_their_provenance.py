"""a locked row keeps the configuration it was parsed with, and who edited it"""

from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

BEFORE = """type classification_project_id resource_id owner_id static_attributes provider_id job_id
    received_batch_id batch_row content_hash locked_at""".split()
ADDED = ["job_config_version", "edited_by_id"]
REFUSE = "raise exception 'a classification that was approved once never changes' using errcode = 'restrict_violation'"


def keep(columns: list[str]) -> None:
    def row(alias: str) -> str:
        return f"row({', '.join(f'{alias}.{column}' for column in columns)})"

    op.execute(
        f"""create or replace function classifications_keep_locked() returns trigger language plpgsql as $$
    begin
      if tg_op = 'UPDATE' then
        if exists (select from former f left join latter l using (id) where f.locked_at is not null and (
            l.id is null or {row('f')} is distinct from {row('l')}))
        then {REFUSE}; end if;
      elsif tg_op = 'DELETE' then
        if exists (select from former where locked_at is not null) then {REFUSE}; end if;
      end if;
      return null;
    end $$"""
    )


def upgrade() -> None:
    keep(BEFORE + ADDED)


def downgrade() -> None:
    keep(BEFORE)
