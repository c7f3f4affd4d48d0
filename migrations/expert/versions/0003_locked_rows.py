"""What a locked classification says is refused every change, by any path"""

from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

# What is kept *about* a row (superseded_by, is_current, links, copied times) is left out on purpose: it stays writable.
CLASSIFICATION_SAYS = """type classification_project_id resource_id owner_id static_attributes provider_id job_id
    received_batch_id batch_row content_hash locked_at""".split()
OBSERVATION_SAYS = """classification_id classification_project_id resource_id classification_type observation_level
    observation_type taxon_id label sex life_stage behaviour count individual_id bbox_x bbox_y bbox_width bbox_height
    first_frame_index distance_m distance_uncertainty_m detection_confidence classification_confidence
    attribute_confidences custom_attributes tags carried_over""".split()
PREDICTION_SAYS = "observation_id algorithm_id taxon_id label score top_k terminal applied_to_id rule output_row".split()
REFUSE = "raise exception 'a classification that was approved once never changes' using errcode = 'restrict_violation'"


def row(alias: str, columns: list[str]) -> str:
    return f"row({', '.join(f'{alias}.{column}' for column in columns)})"


def changed(columns: list[str]) -> str:
    """Rows whose words differ before and after, or that are gone under their id."""
    return (
        f"former f full join latter l using (id) where f.id is null or l.id is null "
        f"or {row('f', columns)} is distinct from {row('l', columns)}"
    )


def refuse_if_locked(ids: str) -> str:
    """Rows of this very transaction need no lock; others are held, so that no approval slips in between."""
    return f"""
      select bool_or(held.locked) into found_locked from (
        select c.locked_at is not null as locked from classifications c
        where c.id in ({ids}) and (c.locked_at is not null or c.xmin <> pg_current_xact_id()::xid) for share
      ) held;
      if found_locked then {REFUSE}; end if;"""


def function(name: str, insert: str, update: str, delete: str) -> str:
    return f"""create function {name}() returns trigger language plpgsql as $$
    declare found_locked boolean;
    begin
      if tg_op = 'INSERT' then {insert}
      elsif tg_op = 'UPDATE' then {update}
      else {delete}
      end if;
      return null;
    end $$"""


def upgrade() -> None:
    op.execute(
        function(
            "classifications_keep_locked",
            "null;",
            f"""
      if exists (select from former f left join latter l using (id) where f.locked_at is not null and (
          l.id is null or {row('f', CLASSIFICATION_SAYS)} is distinct from {row('l', CLASSIFICATION_SAYS)}))
      then {REFUSE}; end if;""",
            f"if exists (select from former where locked_at is not null) then {REFUSE}; end if;",
        )
    )
    touched = changed(OBSERVATION_SAYS)
    op.execute(
        function(
            "observations_keep_locked",
            refuse_if_locked("select classification_id from latter"),
            refuse_if_locked(
                f"select f.classification_id from {touched} union select l.classification_id from {touched}"
            ),
            refuse_if_locked("select classification_id from former"),
        )
    )
    touched = changed(PREDICTION_SAYS)
    of = "select o.classification_id from observations o where o.id in (%s)"
    op.execute(
        function(
            "predictions_keep_locked",
            refuse_if_locked(of % "select observation_id from latter"),
            refuse_if_locked(of % f"select f.observation_id from {touched} union select l.observation_id from {touched}"),
            refuse_if_locked(of % "select observation_id from former"),
        )
    )
    op.execute(
        f"""create function locked_rows_stay() returns trigger language plpgsql as $$
    begin
      if exists (select from classifications where locked_at is not null) then {REFUSE}; end if;
      return null;
    end $$"""
    )
    for table in ("classifications", "observations", "predictions"):
        op.execute(
            f"create trigger {table}_keep_locked_update after update on {table} referencing old table as former "
            f"new table as latter for each statement execute function {table}_keep_locked()"
        )
        op.execute(
            f"create trigger {table}_keep_locked_delete after delete on {table} referencing old table as former "
            f"for each statement execute function {table}_keep_locked()"
        )
        op.execute(
            f"create trigger {table}_keep_locked_truncate before truncate on {table} "
            "for each statement execute function locked_rows_stay()"
        )
    for table in ("observations", "predictions"):
        op.execute(
            f"create trigger {table}_keep_locked_insert after insert on {table} referencing new table as latter "
            f"for each statement execute function {table}_keep_locked()"
        )


def downgrade() -> None:
    for table in ("classifications", "observations", "predictions"):
        for event in ("update", "delete", "truncate"):
            op.execute(f"drop trigger {table}_keep_locked_{event} on {table}")
    for table in ("observations", "predictions"):
        op.execute(f"drop trigger {table}_keep_locked_insert on {table}")
    for name in ("classifications_keep_locked", "observations_keep_locked", "predictions_keep_locked"):
        op.execute(f"drop function {name}()")
    op.execute("drop function locked_rows_stay()")
