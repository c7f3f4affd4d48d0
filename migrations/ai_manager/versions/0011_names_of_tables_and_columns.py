"""tables and columns have the names that the code has"""

from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

TABLE = ('doors', 'web_processes')
COLUMNS = (('jobs', 'put_away', 'compacted'), ('saved_results', 'forgotten_at', 'blob_deleted_at'))
CONSTRAINTS = (
    ('web_processes', 'doors_pkey', 'web_processes_pkey'),
    ('jobs', 'jobs_put_away_is_closed_check', 'jobs_compacted_is_closed_check'),
    ('jobs', 'jobs_reduced_is_put_away_check', 'jobs_reduced_is_compacted_check'),
    ('saved_results', 'saved_results_forgotten_is_acknowledged_check', 'saved_results_deleted_is_acknowledged_check'),
    ('saved_results', 'saved_results_forgotten_is_gone_check', 'saved_results_deleted_has_no_blob_check'),
)
INDEX = ('jobs_to_put_away_idx', 'jobs_to_compact_idx')


def upgrade() -> None:
    op.rename_table(*TABLE)
    for table, old, new in COLUMNS:
        op.alter_column(table, old, new_column_name=new)
    for table, old, new in CONSTRAINTS:
        op.execute(f'alter table {table} rename constraint {old} to {new}')
    op.execute(f'alter index {INDEX[0]} rename to {INDEX[1]}')


def downgrade() -> None:
    op.execute(f'alter index {INDEX[1]} rename to {INDEX[0]}')
    for table, old, new in CONSTRAINTS:
        op.execute(f'alter table {table} rename constraint {new} to {old}')
    for table, old, new in COLUMNS:
        op.alter_column(table, new, new_column_name=old)
    op.rename_table(*reversed(TABLE))
