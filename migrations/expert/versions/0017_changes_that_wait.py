"""A change of a resource that is noted already is locked by whoever changes it again, so that it is not taken too early

The functions of migration 0016 left such a row alone: a change that was committed after the row was taken was lost,
and its resource stayed out of its sequence until the next change.
"""

from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

CHAINED_BY = "captured_at deployment_id state is_active capture_method".split()
LOCK = "on conflict (linked_collection_id, resource_id) do update set changed_at = noted.changed_at"
LEAVE = "on conflict do nothing"


def row(alias: str) -> str:
    return f"row({', '.join(f'{alias}.{column}' for column in CHAINED_BY)})"


def functions(conflict: str) -> None:
    op.execute(f"""create or replace function sequences_note_linked() returns trigger language plpgsql as $$
    begin
      insert into sequence_changes as noted (linked_collection_id, resource_id)
      select linked_collection_id, resource_id from latter order by 1, 2 {conflict};
      return null;
    end $$""")
    op.execute(f"""create or replace function sequences_note_moved() returns trigger language plpgsql as $$
    begin
      insert into sequence_changes as noted (linked_collection_id, resource_id)
      select r.linked_collection_id, r.resource_id from former f join latter l using (id)
        join linked_collection_resources r on r.resource_id = l.id
      where {row('f')} is distinct from {row('l')}
      order by 1, 2 {conflict};
      return null;
    end $$""")


def upgrade() -> None:
    functions(LOCK)


def downgrade() -> None:
    functions(LEAVE)
