"""where times come from, versions of rows that people edit, archived deployments and collections"""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

FORMER = "'exif', 'filename', 'table', 'mtime', 'none'"
SOURCES = "'exif', 'exif_digitized', 'maker_note', 'xmp', 'exif_modified', 'filename', 'table', 'mtime', 'none'"
VERSIONED = ('collections', 'deployments', 'locations', 'research_projects', 'resources')
NAMED = "state = 'described' and time_source in ('none', 'filename')"


def add(table: str, column: sa.Column, default: str) -> None:
    """A column for rows that are there already; later ones say what they hold."""
    column.server_default = sa.DefaultClause(sa.text(default))
    op.add_column(table, column)
    op.alter_column(table, column.name, server_default=None)


def upgrade() -> None:
    for table in VERSIONED:
        op.add_column(table, sa.Column('version', sa.Integer(), nullable=False, server_default='1'))
    for table in ('collections', 'deployments'):
        add(table, sa.Column('is_active', sa.Boolean(), nullable=False), 'true')
    add('resources', sa.Column('folder_print', sa.Text(), nullable=False), "''")
    add('resources', sa.Column('offset_source', sa.Enum('file', 'place', 'none', name='offsetsource', native_enum=False, create_constraint=True, length=40), nullable=False), "'none'")
    add('resources', sa.Column('outside_deployment', sa.Boolean(), nullable=False), 'false')
    add('resources', sa.Column('archived_with_deployment', sa.Boolean(), nullable=False), 'false')
    op.add_column('resources', sa.Column('time_issue', sa.Enum('ambiguous', 'nonexistent', 'out_of_range', name='timeissue', native_enum=False, create_constraint=True, length=40), nullable=True))
    op.add_column('resources', sa.Column('time_issue_message', sa.Text(), nullable=True))
    op.add_column('resources', sa.Column('time_override', sa.DateTime(timezone=True), nullable=True))
    op.add_column('collection_resources', sa.Column('deployment_id', sa.Uuid(), nullable=True))
    op.execute("""update collection_resources c set deployment_id = r.deployment_id from resources r
        where r.id = c.resource_id""")
    op.create_foreign_key('collection_resources_deployment_of_the_project_fkey', 'collection_resources', 'deployments', ['research_project_id', 'deployment_id'], ['research_project_id', 'id'])
    op.create_index('collection_resources_deployment_idx', 'collection_resources', ['deployment_id', 'collection_id'])
    op.execute("""update resources set
        folder_print = left(encode(sha256(convert_to(case when file_path like '%/%'
          then regexp_replace(file_path, '/[^/]*$', '') else '' end, 'UTF8')), 'hex'), 32),
        offset_source = case when recorded_offset_seconds is null then 'none'
          when time_source = 'exif' and exif::text like '%"OffsetTime%' then 'file' else 'place' end""")
    op.execute("""update resources r set outside_deployment = true from deployments d where d.id = r.deployment_id
        and r.recorded_offset_seconds is not null and (r.captured_at < d.start_at or r.captured_at > d.end_at)""")
    op.drop_constraint('resources_timesource_check', 'resources')
    op.create_check_constraint('timesource', 'resources', f'time_source in ({SOURCES})')
    op.drop_constraint('resources_captured_check', 'resources')
    op.create_check_constraint('captured', 'resources', 'captured_at is null or recorded_at is not null or time_override is not null')
    op.create_check_constraint('offset_source', 'resources', "(offset_source = 'none') = (recorded_offset_seconds is null)")
    op.create_index('resources_folder_idx', 'resources', ['research_project_id', 'folder_print'], postgresql_where=sa.text(NAMED))
    op.create_index('resources_outside_idx', 'resources', ['research_project_id', 'id'], postgresql_where=sa.text('outside_deployment'))
    op.create_index('resources_time_issue_idx', 'resources', ['research_project_id', 'id'], postgresql_where=sa.text('time_issue is not null'))


def downgrade() -> None:
    op.drop_column('collection_resources', 'deployment_id')
    for index in ('time_issue', 'outside', 'folder'):
        op.drop_index(f'resources_{index}_idx', table_name='resources')
    op.drop_constraint('resources_offset_source_check', 'resources')
    op.drop_constraint('resources_captured_check', 'resources')
    op.execute("update resources set captured_at = null where recorded_at is null")
    op.execute("update resources set captured_at = recorded_at at time zone 'UTC' where captured_at is null and recorded_at is not null")
    op.create_check_constraint('captured', 'resources', '(recorded_at is null) = (captured_at is null)')
    op.drop_constraint('resources_timesource_check', 'resources')
    op.execute(f"update resources set time_source = 'exif' where time_source not in ({FORMER})")
    op.create_check_constraint('timesource', 'resources', f'time_source in ({FORMER})')
    for column in ('archived_with_deployment', 'time_override', 'time_issue_message', 'time_issue', 'outside_deployment', 'offset_source', 'folder_print'):
        op.drop_column('resources', column)
    for table in ('collections', 'deployments'):
        op.drop_column(table, 'is_active')
    for table in VERSIONED:
        op.drop_column(table, 'version')
